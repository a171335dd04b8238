// A photo's way up, as any client of tus would make it: announced with its card, sent in pieces.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const PIECE = 1024 * 1024;
const TUS = { 'tus-resumable': '1.0.0' };
const golden = (async () => {
  const goldens = await readFile(new URL('../../schema/fixtures/photo_card.txt', import.meta.url), 'utf8');
  return goldens.split('\n').find((line) => line.startsWith('least ')).split(' ')[1];
})();

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A number as CBOR has it. */
function number(n) {
  const bytes = n < 24 ? 0 : n < 0x100 ? 1 : n < 0x1_0000 ? 2 : 4;
  const head = bytes ? (0x18 + Math.log2(bytes)).toString(16) : '';
  return head + n.toString(16).padStart(2 * Math.max(bytes, 1), '0');
}

/** The smallest card of the goldens, about another photo and perhaps another original. */
export async function cardOf(photo, original) {
  let card = await golden;
  const put = (old, mine) => {
    if (!card.includes(old)) throw new Error(`no ${old} in ${card}`);
    card = card.replace(old, mine);
  };
  put(`${'11'.repeat(32)}021a00064ab9`, `${photo.hash}02${number(photo.length)}`);
  if (original) put(`${'33'.repeat(32)}011a003d3939`, `${original.hash}01${number(original.length)}`);
  return Buffer.from(card, 'hex');
}

/** What is said about an upload before it begins. */
export const metadata = (hash, kind, card) =>
  Object.entries({ sha256: hash, kind, card })
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',');

/** The photo that an original is said to be of: it is never sent, only cited. */
export const photoOf = (original) => sha256(`the photo of ${sha256(original)}`);

/** Sends bytes as a `photo` or as an `original`; the last reply there was. */
export async function sent(desk, bytes, kind) {
  const mine = { hash: sha256(bytes), length: bytes.length };
  const card = kind === 'photo' ? await cardOf(mine) : await cardOf({ hash: photoOf(bytes), length: 1_000 }, mine);
  const said = { ...TUS, 'upload-length': bytes.length, 'upload-metadata': metadata(mine.hash, kind, card) };
  let reply = await desk.ask('POST', '/api/v1/uploads', said);
  const place = reply.headers.location;
  for (let at = 0; at < bytes.length && (at === 0 ? reply.status === 201 : reply.status === 204); at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    const about = { ...TUS, 'content-type': 'application/offset+octet-stream', 'upload-offset': at };
    reply = await desk.ask('PATCH', place, about, piece);
  }
  return reply;
}
