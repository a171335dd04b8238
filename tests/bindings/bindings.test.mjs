// One story, three shores, the same results: Python and Kotlin through UniFFI, Chromium through wasm. Each has an
// office of its own, a real `louan serve`. Build first: `cargo build -p louan-server`, `tests/setup/bindings.sh
// python kotlin`, `mobile-ffi/web/build.sh`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

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

const told = (office, folder) => [
  fileURLToPath(new URL('case.json', import.meta.url)), office.url, office.codes.a, office.codes.b, folder,
];

test('the story is told from Python', async () => {
  await withOffice(async (office, folder) => {
    const env = { ...process.env, PYTHONPATH: join(root, 'target/bindings') };
    const script = fileURLToPath(new URL('story.py', import.meta.url));
    const { stdout } = await run('python3', [script, ...told(office, folder)], { env });
    assert.match(stdout, new RegExp(`^${story.steps.length} steps`));
  });
});

test('the story is told from Kotlin', async () => {
  await withOffice(async (office, folder) => {
    const program = fileURLToPath(new URL('Story.kt', import.meta.url));
    const words = [join(root, 'tests/setup/kotlin.sh'), join(root, 'target/bindings/kotlin'), library, program];
    const { stdout } = await run('bash', [...words, ...told(office, folder)]);
    assert.match(stdout, new RegExp(`${story.steps.length} steps`));
  });
});

test('the story is told in a browser, over a restart with no server at all', async () => {
  await withOffice(async (office) => {
    const browser = await Browser.opened(office);
    try {
      assert.equal(await tell(story, browser), story.steps.length);
    } finally {
      await browser.close();
    }
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
