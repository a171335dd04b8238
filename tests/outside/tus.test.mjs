// An outside client of the uploads: tus-js-client, which knows nothing of this project, against a running server.
// Build first: `make outside`.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import { DefaultHttpStack, Upload } from 'tus-js-client';

import { Office } from '../bindings/office.mjs';
import { Desk } from './desk.mjs';
import { cardOf, metadata, sha256 } from './upload.mjs';

// Small, so that one picture has many pieces.
const PIECE = 1_024;
const near = (name) => new URL(name, import.meta.url);

let office;
let agent;
let desk;
let photo;
let card;

before(async () => {
  office = await Office.founded();
  agent = new Agent({ ca: await readFile(office.root), keepAlive: true });
  desk = await Desk.device(office, office.codes.a);
  photo = await readFile(near('stairwell.jpg'));
  const hash = sha256(photo);
  card = { hash, bytes: await cardOf({ hash, length: photo.length }) };
});

after(async () => {
  agent?.destroy();
  desk?.leave();
  await office?.close();
});

/** The client's own transport, with what a device says of each request beside it, as an application would add it. */
class Signing extends DefaultHttpStack {
  createRequest(method, url) {
    const request = super.createRequest(method, url);
    const send = request.send.bind(request);
    request.send = (body) => {
      const known = desk.known(method, new URL(url).pathname, body ?? '');
      Object.entries(known).forEach(([name, value]) => request.setHeader(name, value));
      return send(body);
    };
    return request;
  }
}

/** An upload as an application would make it. */
const upload = (more) =>
  new Promise((resolve, reject) => {
    const made = new Upload(photo, {
      endpoint: `${office.url}/api/v1/uploads`,
      httpStack: new Signing({ agent }),
      // The client takes metadata for texts and would spell the card's bytes as UTF-8: the header is written by hand.
      headers: { 'upload-metadata': metadata(card.hash, 'photo', card.bytes) },
      chunkSize: PIECE,
      retryDelays: null,
      onSuccess: () => resolve({ url: made.url, whole: true }),
      onError: reject,
      ...more?.(() => made, resolve),
    });
    made.start();
  });

const has = async () => (await desk.ask('HEAD', `/api/v1/blobs/${card.hash}`)).status;

test('an upload cut after every piece goes on where it was', { timeout: 60_000 }, async () => {
  assert.equal(await has(), 404);
  let { url, whole, pieces } = { url: undefined, whole: false, pieces: 0 };
  while (!whole) {
    ({ url, whole } = await upload((made, resolve) => ({
      uploadUrl: url,
      // Cut as soon as one more piece is there: the next application knows the address and nothing else.
      onChunkComplete: (_, there, all) => {
        pieces += 1;
        if (there < all) made().abort().then(() => resolve({ url: made().url, whole: false }));
      },
    })));
  }
  assert.equal(pieces, Math.ceil(photo.length / PIECE));
  assert.equal(await has(), 204);
});

test('what the client gives up is gone', { timeout: 60_000 }, async () => {
  const { url } = await upload((made, resolve) => ({
    onChunkComplete: () => made().abort(true).then(() => resolve({ url: made().url })),
  }));
  const reply = await desk.ask('HEAD', new URL(url, office.url).pathname, { 'tus-resumable': '1.0.0' });
  assert.equal(reply.status, 410);
});

test('the client is told why a photo is not taken', { timeout: 60_000 }, async () => {
  const honest = photo;
  photo = Buffer.from(honest);
  photo[photo.length - 9] ^= 1;
  await assert.rejects(upload(), (error) => {
    assert.equal(error.originalResponse.getStatus(), 422);
    assert.equal(JSON.parse(error.originalResponse.getBody()).code, 'other_bytes');
    return true;
  });
  photo = honest;
});
