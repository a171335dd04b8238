// One story, three shores, the same results: Python and Kotlin through UniFFI, Chromium through wasm. Each has an
// office of its own, a real `louan serve` over HTTPS. `tests/bindings/shores.sh` builds what this needs and runs it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { named } from './alike.mjs';
import { Browser } from './browser.mjs';
import { Office } from './office.mjs';
import { tell } from './story.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const library = process.env.LOUAN_LIBRARY ?? join(root, 'target/debug/liblouan_mobile_ffi.so');
const run = promisify(execFile);
const story = JSON.parse(await readFile(new URL('case.json', import.meta.url), 'utf8'));

/** Founds an office and an empty folder for the phones, and clears both away. */
async function withOffice(act) {
  const folder = await mkdtemp(join(tmpdir(), 'louan-phones-'));
  const office = await Office.founded();
  try {
    await act(office, folder);
  } finally {
    await office.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where what a shore's phones found is kept until all have told; nothing of an earlier run is left there. */
const shores = join(root, 'target/shores');
const foundOn = (shore) => join(shores, `${shore}.json`);
before(async () => {
  await rm(shores, { recursive: true, force: true });
  await mkdir(shores, { recursive: true });
});

const told = (office, folder, shore) => [
  fileURLToPath(new URL('case.json', import.meta.url)), office.url, office.root, office.codes.a, office.codes.b, folder,
  foundOn(shore),
];

test('the story is told from Python', async () => {
  await withOffice(async (office, folder) => {
    const env = { ...process.env, PYTHONPATH: join(root, 'target/bindings/python') };
    const script = fileURLToPath(new URL('story.py', import.meta.url));
    const { stdout } = await run('python3', [script, ...told(office, folder, 'python')], { env });
    assert.match(stdout, new RegExp(`^${story.steps.length} steps`));
  });
});

test('a photo taken on a phone is what the office shows', async () => {
  await withOffice(async (office, folder) => {
    const env = { ...process.env, PYTHONPATH: join(root, 'target/bindings/python') };
    const script = fileURLToPath(new URL('photo.py', import.meta.url));
    const picture = join(root, 'tests/outside/stairwell.jpg');
    const words = [script, office.url, office.root, office.codes.a, picture, join(folder, 'phone')];
    const sent = JSON.parse((await run('python3', words, { env })).stdout);
    const { photos, missing } = JSON.parse(await office.get(`hazards/${sent.hazard}/photos`));
    assert.equal(missing, 0);
    assert.deepEqual(photos.map(({ hash, here }) => ({ hash, here })), [{ hash: sent.hash, here: true }]);
    assert.equal(photos[0].said.on_site, 'no_position');
    const shown = await office.get(`photos/${sent.hash}`);
    assert.equal(shown.toString('base64'), sent.bytes, 'the very bytes');
  });
});

test('what a phone could not send is read in by command, and known when the phone comes', async () => {
  await withOffice(async (office, folder) => {
    const env = { ...process.env, PYTHONPATH: join(root, 'target/bindings/python') };
    const script = fileURLToPath(new URL('unsent.py', import.meta.url));
    const [phone, file] = [join(folder, 'phone'), join(folder, 'unsent.louan')];
    const at = [office.url, office.root];
    const picture = join(root, 'tests/outside/stairwell.jpg');
    const made = JSON.parse((await run('python3', [script, 'make', ...at, office.codes.a, picture, phone, file], { env })).stdout);
    for (const said of [/已读入 1 条，照片 1 张/, /已读入 0 条，照片 0 张；此前已有 2 条/]) {
      assert.match(await office.louan('unsent', file, '--as', 'clerk'), said);
    }
    const { photos, missing } = JSON.parse(await office.get(`hazards/${made.hazard}/photos`));
    assert.deepEqual([missing, photos.map(({ hash, here }) => ({ hash, here }))], [0, [{ hash: made.photo, here: true }]]);
    const met = JSON.parse((await run('python3', [script, 'meet', ...at, phone], { env })).stdout);
    assert.deepEqual(met, { left: [0, 0, 0, 0, 0], photos: ['confirmed'] });
    assert.equal(JSON.parse(await office.get('hazards')).total, 1, 'once');
  });
});

test('the story is told from Kotlin', async () => {
  await withOffice(async (office, folder) => {
    const program = fileURLToPath(new URL('Story.kt', import.meta.url));
    const words = [join(root, 'tests/setup/kotlin.sh'), join(root, 'target/bindings/kotlin'), library, program];
    const { stdout } = await run('bash', [...words, ...told(office, folder, 'kotlin')]);
    assert.match(stdout, new RegExp(`${story.steps.length} steps`));
  });
});

test('clang takes the C half of what was generated for Swift', async () => {
  const folder = join(root, 'target/bindings/swift');
  const modules = (await readdir(folder)).filter((name) => name.endsWith('.modulemap'));
  assert.equal(modules.length, 2, 'the facade and what wraps it');
  const program = modules.map((name) => `@import ${name.replace('.modulemap', '')};\n`).join('');
  const cache = await mkdtemp(join(tmpdir(), 'louan-clang-'));
  try {
    await writeFile(join(cache, 'all.m'), program);
    const words = ['-fsyntax-only', '-Wall', '-Wextra', '-Werror', '-fmodules', `-fmodules-cache-path=${cache}`];
    const maps = modules.map((name) => `-fmodule-map-file=${join(folder, name)}`);
    // The compiler that setup found or fetched for the browsers' core.
    const script = '. "$0"; exec "$CC_wasm32_unknown_unknown" "$@"';
    await run('bash', ['-c', script, join(root, '.louan/wasm.env'), ...words, ...maps, join(cache, 'all.m')]);
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});

test('the story is told in a browser, over a kill and a restart with no server at all', async () => {
  await withOffice(async (office) => {
    const browser = await Browser.opened(office);
    try {
      await writeFile(foundOn('browser'), JSON.stringify(await tell(story, browser)));
    } finally {
      await browser.close();
    }
  });
});

test('every call found the same on every shore', async () => {
  const [python, kotlin, browser] = await Promise.all(
    ['python', 'kotlin', 'browser'].map(async (shore) => named(JSON.parse(await readFile(foundOn(shore), 'utf8')))),
  );
  assert.ok(python.length > story.steps.length, `${python.length} answers; some steps ask several times`);
  assert.deepEqual(kotlin, python);
  assert.deepEqual(browser, python);
});

test('what two shores found is the same but for the ids each made', () => {
  const [a, b, c] = ['A', 'B', 'C'].map((letter) => letter.padStart(26, '0'));
  assert.deepEqual(named([{ id: a, by: b }, [a]]), named([{ by: c, id: b }, [b]]), 'in whatever order fields come');
  for (const other of [[{ id: a, by: a }, [a]], [{ id: a, by: b }, [b]], [{ id: a, by: null }, [a]], [{ id: a }, [a]]]) {
    assert.notDeepEqual(named(other), named([{ id: a, by: b }, [a]]), JSON.stringify(other));
  }
});

/** A hazard as the browser's phone reports it. */
const hazard = ({ id }, photos) => ({
  code: 'H1.06', buildings: [id], shared: false, text: '楼梯间堆放杂物', found_at_ms: Date.now(), method: 'three_checks',
  severity: 'general', fixed_on_the_spot: false, photos,
});

/** A browser whose first phone is enrolled and knows its buildings. */
async function withInspector(act, scripts) {
  await withOffice(async (office) => {
    const browser = await Browser.opened(office, scripts);
    try {
      const ask = (call, ...args) => browser.raw(browser.main, call, 'a', ...args);
      const [person] = await ask('enrolByCode', office.codes.a);
      await ask('sync');
      const [building] = await ask('searchBuildings', '示例苑1栋', 5);
      await act({ office, browser, ask, person: person.id, building });
    } finally {
      await browser.close();
    }
  });
}

test('a photo taken in a browser outlives a kill, and is what the office shows', async () => {
  await withInspector(async ({ office, browser, ask, person, building }) => {
    const file = { base64: (await readFile(join(root, 'tests/outside/stairwell.jpg'))).toString('base64') };
    const shot = { site: building.site, building: building.id, sensor: null, signed: '巡查员甲' };
    const photo = await ask('attachPhoto', person, shot, file);
    assert.deepEqual([photo.state, photo.unproven], ['kept', 'no_position']);
    await browser.setClock(Date.now() + 86_400_000);
    const other = await ask('attachPhoto', person, shot, file);
    await browser.setClock(Date.now());
    assert.notEqual(other.hash, photo.hash, 'the day it was taken stands in its pixels');
    assert.equal(await ask('discardPhoto', person, other.hash), true);
    await assert.rejects(ask('attachPhoto', person, shot, { base64: btoa('GIF89a') }), {
      kind: 'fix_input', faults: [{ pointer: '/photo', rule: 'photo_format' }],
    });
    const reported = await ask('reportHazard', person, building.site, hazard(building, [photo.hash]));
    const [whole, small] = [await ask('photoFile', photo.hash, false), await ask('photoFile', photo.hash, true)];
    assert.ok(small.base64.length < whole.base64.length);
    await browser.restart();
    assert.deepEqual(await ask('photoFile', photo.hash, false), whole, 'killed without a warning, it is there');
    assert.deepEqual((await ask('photos')).map(({ hash }) => hash), [photo.hash], 'and what was discarded is not');
    await browser.reconnect();
    await ask('sync');
    assert.deepEqual(await ask('sendPhotos', false), { confirmed: 1, refused: 0 });
    assert.deepEqual(await ask('sendPhotos', false), { confirmed: 0, refused: 0 }, 'nothing is sent twice');
    const { photos, missing } = JSON.parse(await office.get(`hazards/${reported}/photos`));
    assert.deepEqual([missing, photos.map(({ hash, here }) => ({ hash, here }))], [0, [{ hash: photo.hash, here: true }]]);
    assert.equal((await office.get(`photos/${photo.hash}`)).toString('base64'), whole.base64, 'the very bytes');
  });
});

test('a browser that cannot draw letters takes photos without them and goes on', async () => {
  const scripts = { '/lettering.js': "export function letter() { throw new Error('no canvas'); }" };
  await withInspector(async ({ browser, ask, person, building }) => {
    const file = { base64: (await readFile(join(root, 'tests/outside/stairwell.jpg'))).toString('base64') };
    const shot = { site: building.site, building: building.id, sensor: null, signed: '' };
    const photo = await ask('attachPhoto', person, shot, file);
    const reported = await ask('reportHazard', person, building.site, hazard(building, [photo.hash]));
    assert.deepEqual((await ask('hazards', { which: 'all' })).map(({ id }) => id), [reported]);
    // The store can still be closed, and so another page can have it.
    const second = await browser.page();
    await second.evaluate(() => globalThis.takeOver());
    await browser.raw(second, 'open', 'a', '');
    assert.deepEqual((await browser.raw(second, 'photos', 'a')).map(({ hash }) => hash), [photo.hash]);
  }, scripts);
});

// A limit only so that what never ends is found out: saving that waits for the network waits for ever here.
test('what is saved in a browser does not wait for the network', { timeout: 120_000 }, async () => {
  await withInspector(async ({ browser, ask, person, building }) => {
    const letGo = browser.gate.hold();
    const synced = ask('sync');
    const reported = await ask('reportHazard', person, building.site, hazard(building, []));
    assert.deepEqual((await ask('hazards', { which: 'all' })).map(({ id, unsent }) => ({ id, unsent })), [{ id: reported, unsent: 1 }]);
    // Nor does the file of what was not sent.
    const file = await browser.main.evaluate(async () => {
      const { value, failure } = await globalThis.ask('unsentFile', 'a');
      return failure ?? { size: value.size, head: await value.slice(0, 16).text() };
    });
    assert.equal(file.head, 'LOUAN-UNSENT-01\n', JSON.stringify(file));
    assert.ok(file.size > 300, `${file.size} bytes`);
    letGo();
    await synced;
    await ask('sync');
    assert.deepEqual(await ask('outbox'), []);
  });
});

test('a second page gets no store until it takes it over, and then the first has none', async () => {
  await withOffice(async (office) => {
    const browser = await Browser.opened(office);
    try {
      const first = browser.main;
      const second = await browser.page();
      assert.equal(await second.textContent('#state'), '已在另一页面打开');
      await assert.rejects(browser.raw(second, 'open', 'a', ''), { kind: 'bug' });
      assert.deepEqual(await browser.raw(first, 'people', 'a'), [], 'the owner goes on');
      await second.evaluate(() => globalThis.takeOver());
      await browser.raw(second, 'open', 'a', '');
      assert.deepEqual(await browser.raw(second, 'people', 'a'), []);
      assert.equal(await first.textContent('#state'), '已在另一页面打开');
      await assert.rejects(browser.raw(first, 'people', 'a'), { kind: 'bug' });
    } finally {
      await browser.close();
    }
  });
});
