// Two hundred and fifty hostile and odd pictures against a running office, each sent as a photo, as a camera's original and
// through a phone's darkroom: refused with a reason, or shown upright, small and with nothing else in it, as Pillow reads it,
// which knows nothing of this project (P01 to P04, P06). `LOUAN_PHOTOS=FOLDER` sends that folder's files as well.
// Build first: `make outside`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Office } from '../bindings/office.mjs';
import { Desk, phone } from './desk.mjs';
import { photoOf, sent, sha256 } from './upload.mjs';

const PYTHON = process.env.PYTHON ?? fileURLToPath(new URL('../../.louan/python/bin/python', import.meta.url));
const near = (name) => fileURLToPath(new URL(name, import.meta.url));
const KIB = 1024;
/** What a worker may have, by its own limits and at any moment. */
const WORKER_KIB_MAX = 512 * KIB;
/** What the serving process may need more than at rest: pieces, originals read to be shown, what an allocator keeps. The pixels of
 * one of the pictures of 48 megapixels are 141 MiB: were a single one decoded there, it would be seen. */
const SERVER_GROWS_KIB_MAX = 96 * KIB;
const PIXELS_KIB = (8_000 * 6_000 * 3) / KIB;
/** Longest side of a photo and of its thumbnail. */
const SIDE_MAX = { full: 2_048, thumbnail: 320 };
/** How far two pictures of the same may be apart, of 255: JPEG's loss. Any turn or mirror is more than 50. */
const UNLIKE_MAX = 16;

/** What a person is told of each reason: only who cannot be helped by sending it again is asked to take it again. */
const WHY = {
  unsupported_image: /^不是可接收的照片格式，.+。$/,
  file_too_large: /^照片文件过大，.+。$/,
  image_too_large: /^照片尺寸过大，.+。$/,
  truncated: /^照片文件不完整，请重新上传；仍不行再重新拍摄。$/,
  damaged_image: /^照片文件已损坏，请重新上传；仍不行再重新拍摄。$/,
  not_plain: /^照片文件中夹带了图像以外的内容，请更新应用后重新上传。$/,
};

let office;
let sender;
let clerk;
let folder;
let cases;
let strangers;
let calm;
const kept = { photo: [], original: [] };
const workers = new Map();

before(async () => {
  // How many photos there may be in a minute and a day, and how many are looked at, is not what is asked here.
  process.env.LOUAN__LIMITS__PHOTOS_PER_MINUTE = '100000';
  process.env.LOUAN__LIMITS__PHOTOS_PER_DAY = '100000';
  process.env.LOUAN__LIMITS__PICTURES_PER_MINUTE = '100000';
  office = await Office.founded();
  sender = await Desk.device(office, office.codes.b);
  clerk = await Desk.at(office);
  folder = join(office.folder, 'pictures');
  await promisify(execFile)(PYTHON, [near('hostile.py'), folder]);
  cases = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')).map((each) => ({ ...each, path: join(folder, each.file) }));
  strangers = (await files(process.env.LOUAN_PHOTOS)).map((path) => ({ name: path, path, shows: true, stranger: true }));
  await unharmed('at first');
  calm = await memory(office.server.pid);
});

after(async () => {
  sender?.leave();
  clerk?.leave();
  await office?.close();
});

/** Every file below a folder, by its path there. */
async function files(top) {
  const every = top ? await readdir(top, { recursive: true, withFileTypes: true }) : [];
  return every.filter((each) => each.isFile()).map((each) => join(each.parentPath ?? each.path, each.name)).sort();
}

/** What the system says of a process's memory: its most, in KiB. */
async function memory(pid) {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]);
}

/** Looks at the workers there are: what each had at most, and what it may have. */
async function look() {
  const { pid } = office.server;
  const threads = await readdir(`/proc/${pid}/task`);
  const children = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/children`, 'utf8').catch(() => '')));
  for (const worker of children.join(' ').split(/\s+/).filter(Boolean)) {
    // One that has just ended is not there to be asked.
    const peak = await memory(worker).catch(() => undefined);
    const limits = await readFile(`/proc/${worker}/limits`, 'utf8').catch(() => '');
    const [, allowed] = /^Max address space\s+(\S+)/m.exec(limits) ?? [];
    if (peak !== undefined && allowed) workers.set(worker, { peak, allowed: Number(allowed) / KIB });
  }
}

/** Nobody else is kept from anything: the office answers, and an honest photo gets through. */
async function unharmed(when) {
  const { status } = await clerk.ask('GET', '/healthz');
  assert.equal(status, 200, when);
  assert.equal(office.server.exitCode, null, when);
  assert.equal((await sent(sender, await readFile(near('stairwell.jpg')), 'photo')).status, 204, when);
}

/** A reply says clearly that a picture is refused, and why. */
function refusal(name, { status, headers, body }, code) {
  assert.equal(headers['content-type'], 'application/problem+json', `${name}: ${status} ${body}`);
  const problem = JSON.parse(body);
  assert.deepEqual([status, problem.code], [422, code], `${name}: ${body}`);
  assert.match(problem.title, /照片无法接收/);
  assert.match(problem.detail, /未接收，照片仍在本机。请按提示处理/);
  assert.equal(problem.errors.length, 1, `${name}: ${body}`);
  assert.equal(problem.errors[0].code, code, name);
  assert.match(problem.errors[0].detail, WHY[code], name);
}

/** What Pillow sees in pictures. */
async function looked(wanted) {
  const told = promisify(execFile)(PYTHON, [near('looked.py')], { maxBuffer: 64 << 20 });
  told.child.stdin.end(JSON.stringify(wanted));
  return JSON.parse((await told).stdout);
}

/** A small clean picture, the right way up. */
function fits(name, seen, side) {
  assert.equal(seen.kind, 'JPEG', name);
  assert.deepEqual(seen.more, [], name);
  assert.ok(Math.max(seen.width, seen.height) <= side, `${name}: ${seen.width} × ${seen.height}`);
  assert.ok(seen.unlike === null || seen.unlike <= UNLIKE_MAX, `${name}: ${seen.unlike} apart`);
}

test('the check sees what is in a picture, how large it is and which way it is up', { timeout: 60_000 }, async () => {
  const named = (name) => cases.find((each) => each.name === name);
  const planted = {
    'jpeg with an honest position': /segment ffe1/,
    'jpeg with a page in a remark': /segment fffe/,
    'jpeg with a small jpeg in its mark': /segment ffe0/,
    'progressive with notes between scans': /segment ffe1/,
    'jpeg, then a byte': /1 bytes behind its end/,
    'jpeg a pixel too wide': /2049 × 1537/,
    'jpeg held in way 6': /segment ffe1/,
    'webp, then a page': /WEBP/,
  };
  const like = join(folder, 'scene.png');
  const all = await looked(Object.keys(planted).map((name) => ({ file: named(name).path, like: null })));
  Object.entries(planted).forEach(([name, wanted], at) => {
    assert.throws(() => fits(name, all[at], SIDE_MAX.full), wanted, name);
  });
  // The same scene, in the file as it was held and with nothing that says so.
  const [plain, ...held] = await looked(
    [named('jpeg, plain').path, ...[2, 3, 4, 6].map((way) => join(folder, `held-${way}.png`))].map((file) => ({ file, like })),
  );
  fits('plain', plain, SIDE_MAX.full);
  for (const seen of held) assert.ok(seen.unlike > 3 * UNLIKE_MAX, JSON.stringify(seen));
});

/** Sends one picture and holds the answer to what has to become of it; a stranger's is kept, or no picture. */
async function dealt(each, kind) {
  const bytes = await readFile(each.path);
  const hash = sha256(bytes);
  const reply = await sent(sender, bytes, kind);
  await look();
  const wanted = each[kind] ?? (reply.status === 204 ? 'taken' : 'unsupported_image');
  if (wanted === 'taken') {
    assert.equal(reply.status, 204, `${each.name}: ${reply.body}`);
    assert.ok(Number(reply.headers['louan-position']) > 0, each.name);
    kept[kind].push({ ...each, hash });
  } else {
    refusal(each.name, reply, wanted);
  }
  const { status } = await sender.ask('HEAD', `/api/v1/blobs/${hash}`);
  assert.equal(status, wanted === 'taken' ? 204 : 404, each.name);
}

/** Sends them all, one after the other: nobody else is kept from anything by it. */
async function allDealt(which, kind) {
  const wrong = [];
  for (const each of which) await dealt(each, kind).catch((error) => wrong.push(error.message.split('\n')[0]));
  assert.deepEqual(wrong, []);
  await unharmed(`after all as ${kind}`);
}

test('sent as a photo each is kept or refused with its reason', { timeout: 120_000 }, async () => {
  assert.ok(cases.length >= 200);
  await allDealt(cases, 'photo');
});

test('sent as an original each is kept or refused with its reason', { timeout: 120_000 }, async (t) => {
  if (!strangers.length) t.diagnostic('skipped: LOUAN_PHOTOS names no folder of photos; only files made here are sent');
  // A plain photo has been sent as such; nobody needs a hundred cuts twice.
  const others = cases.filter((each) => each.photo !== 'taken' && !each.name.includes(', cut at '));
  await allDealt([...others, ...strangers], 'original');
});

test('what is kept is shown upright, small and with nothing else in it', { timeout: 120_000 }, async () => {
  const every = [...cases, ...strangers];
  const wrong = [];
  const photos = kept.original.map(async (each) => photoOf(await readFile(each.path)));
  const cited = [...kept.photo.map((each) => each.hash), ...(await Promise.all(photos))];
  const wanted = { files: Object.fromEntries(every.map((each) => [each.name, each.path])), cited };
  const album = await phone(office, 'album.py', JSON.stringify(wanted));
  await look();
  const shown = [];
  for (const each of every) {
    const { hash, refused } = album.taken[each.name];
    const wanted = each.phone ?? (hash ? 'taken' : 'photo_format');
    if (`${refused ?? 'taken'}` !== wanted) wrong.push(`${each.name} in a phone: ${refused ?? 'taken'}`);
    if (hash) shown.push({ ...each, hash, name: `${each.name}, developed` });
  }
  shown.push(...kept.photo, ...kept.original.map((each) => ({ ...each, isFile: true })));
  assert.ok(shown.length >= 100, `${shown.length}`);
  const asked = [];
  await mkdir(join(folder, 'shown'));
  for (const [at, each] of shown.entries()) {
    for (const size of each.isFile ? ['thumbnail'] : ['full', 'thumbnail']) {
      const path = `/api/v1/photos/${each.hash}${size === 'full' ? '' : '/thumbnail'}`;
      const reply = await clerk.ask('GET', path);
      assert.deepEqual([reply.status, reply.headers['content-type']], [200, 'image/jpeg'], `${each.name}: ${reply.body.subarray(0, 300)}`);
      assert.equal(reply.headers['x-content-type-options'], 'nosniff', each.name);
      const file = join(folder, 'shown', `${at}-${size}.jpg`);
      await writeFile(file, reply.body);
      const like = each.stranger ? each.path : join(folder, 'scene.png');
      asked.push({ name: `${each.name}, ${size}`, size, file, like: each.shows ? like : null });
    }
  }
  const seen = await looked(asked);
  for (const [at, each] of asked.entries()) {
    try {
      fits(each.name, seen[at], SIDE_MAX[each.size]);
    } catch (error) {
      wrong.push(error.message);
    }
  }
  assert.deepEqual(wrong, []);
  await unharmed('after everything is shown');
});

test('an original is handed out as a file and as nothing else', { timeout: 60_000 }, async () => {
  const hostile = ['jpeg, then a page', 'png, then a program', 'jpeg with an honest position'];
  for (const name of hostile) {
    const { hash, path } = kept.original.find((each) => each.name === name);
    const { status, headers, body } = await clerk.ask('GET', `/api/v1/photos/${hash}`);
    assert.deepEqual([status, headers['content-type']], [200, 'application/octet-stream'], name);
    assert.match(headers['content-disposition'], /^attachment; filename="photo\.bin"$/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.deepEqual(body, await readFile(path), name);
    const refused = await sender.ask('GET', `/api/v1/photos/${hash}`);
    assert.equal(refused.status, 403, `${name}: for officials only`);
  }
});

test('no worker and not the serving process needed more than they may', { timeout: 60_000 }, async (t) => {
  await look();
  const most = Math.max(...[...workers.values()].map(({ peak }) => peak));
  const after = await memory(office.server.pid);
  t.diagnostic(`${workers.size} workers, at most ${most} KiB; the serving process ${calm} KiB at rest, ${after} KiB at most`);
  for (const { allowed } of workers.values()) assert.equal(allowed, WORKER_KIB_MAX);
  assert.ok(most <= WORKER_KIB_MAX);
  assert.ok(most >= PIXELS_KIB, 'the gauge sees nothing: the largest honest picture needs its pixels');
  assert.ok(after - calm <= SERVER_GROWS_KIB_MAX, `${calm} KiB at rest, ${after} KiB at most`);
});
