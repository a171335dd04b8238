// The parts of the web core in a real browser: what was written is there when the browser comes back, and the
// rulebook computes the same bytes as natively. Build first: `make probe`.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { start } from './chromium.mjs';
import { serve } from './serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const fixture = async (name) => [...(await readFile(here(`../../schema/fixtures/documents/v1/${name}`)))];

let site;
let profile;

before(async () => {
  site = await serve([here('probe'), here('../../target/wasm-probe')]);
  profile = await mkdtemp(join(tmpdir(), 'louan-probe-'));
});

after(async () => {
  await site?.close();
  if (profile) await rm(profile, { recursive: true, force: true });
});

/** Opens the page in a browser on the one profile, lets `act` ask its worker, and closes the browser. */
async function inBrowser(act) {
  const browser = await start(profile);
  const foreign = [];
  try {
    browser.on('request', (request) => {
      if (!request.url().startsWith(site.origin) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    const page = await browser.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction(() => 'ask' in globalThis);
    return await act((...call) => page.evaluate((it) => globalThis.ask(...it), call), browser);
  } finally {
    await browser.close();
    assert.deepEqual(foreign, [], 'a page asks nobody but its own server');
  }
}

test('a row written in one run of the browser is there in the next', async () => {
  await inBrowser(async (ask) => {
    assert.match(await ask('open', 'shelf.db'), /^3\.\d+\.\d+$/);
    assert.equal(await ask('find', 'building'), null);
    await ask('put', 'building', '枫香苑 3 栋');
  });
  await inBrowser(async (ask) => {
    await ask('open', 'shelf.db');
    assert.equal(await ask('find', 'building'), '枫香苑 3 栋');
  });
});

test('a second page is refused the file and the first one keeps it', async () => {
  await inBrowser(async (ask, browser) => {
    await ask('open', 'shelf.db');
    const second = await browser.newPage();
    await second.goto(`${site.origin}/`);
    await second.waitForFunction(() => 'ask' in globalThis);
    await assert.rejects(second.evaluate(() => globalThis.ask('open', 'shelf.db')), /NoModificationAllowed|Access Handle/i);
    await ask('put', 'floor', '负1');
    assert.equal(await ask('find', 'floor'), '负1');
  });
});

test('the first change of a book has in a browser the bytes it has everywhere', async () => {
  const golden = await fixture('first_book.change');
  await inBrowser(async (ask) => assert.deepEqual(await ask('firstBookChange'), golden));
});

test('a saved book loads, saves and loads again in a browser', async () => {
  const book = await fixture('book.automerge');
  await inBrowser(async (ask) => {
    assert.equal(await ask('countRecords', book), 3);
    await assert.rejects(ask('countRecords', book.slice(0, -1)));
  });
});

test('zstd squeezes and unsqueezes in a browser', async () => {
  const text = [...Buffer.from('整改'.repeat(500))];
  await inBrowser(async (ask) => {
    const squeezed = await ask('squeeze', text);
    assert.ok(squeezed.length < 50, `${squeezed.length} bytes`);
    assert.deepEqual(await ask('unsqueeze', squeezed), text);
  });
});
