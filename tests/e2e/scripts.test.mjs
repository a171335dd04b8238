// Scripts in names, shown to a browser that would run them (A12): two hundred payloads as names of compounds in the ledger of
// the page at `/`, each shown as the text it is, and none run. Build first: `make page`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { start } from './chromium.mjs';

const DEMO = process.env.DEMO ?? fileURLToPath(new URL('../../target/debug/demo', import.meta.url));
const SLICE = ['--buildings', '1', '--until', '2020-03-13', '--port', '0', '--stay'];
const ULID = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** What a browser would run, if it came to be part of a page. */
const SCRIPTS = [
  '<script>alert(1)</script>', '<SCRIPT SRC=//x.test></SCRIPT>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script>', "<iframe srcdoc='<script>alert(1)</script>'>", '<body onload=alert(1)>',
  '<a href=javascript:alert(1)>x</a>', '<details open ontoggle=alert(1)>', '<input autofocus onfocus=alert(1)>',
  '<math><mi xlink:href=javascript:alert(1)>', "<style>@import '//x.test'</style>", '<link rel=stylesheet href=//x.test>',
  '<meta http-equiv=refresh content=0;url=//x.test>', '<base href=//x.test>', '<form action=//x.test><button>',
  '<object data=//x.test>', '<template><script>alert(1)</script></template>', '<!--><script>alert(1)</script>-->',
  '<![CDATA[<script>alert(1)</script>]]>', '&lt;script&gt;alert(1)&lt;/script&gt;', '&#60;script&#62;alert(1)',
  "{{constructor.constructor('alert(1)')()}}", '${alert(1)}', '＜script＞alert(1)＜/script＞',
];
/** What would end the place a text stands in, so that the script stands beside it. */
const ENDS = ['', '">', "'>", '</td></tr></table>', '</title>', '</p>', '-->', ']]>'];
const PAYLOADS = ENDS.flatMap((end) => SCRIPTS.map((script) => end + script));

let folder;
let demo;
let browser;
let page;
const said = { lines: [], dialogs: [], foreign: [], complaints: [] };

/** The words of the first line that begins with `head`. */
const words = (head) => said.lines.find((line) => line.trim().startsWith(head))?.trim().split(/\s+/);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'louan-scripts-'));
  demo = spawn(DEMO, [...SLICE, '--folder', join(folder, 'data')], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    createInterface({ input: demo.stdout }).on('line', (line) => {
      said.lines.push(line);
      if (line.startsWith('服务继续运行')) resolve();
    });
    demo.once('error', reject);
    demo.once('exit', (code) => reject(new Error(`the demonstration ended with ${code}:\n${said.lines.join('\n')}`)));
  });
  said.address = words('地址')[1];
  browser = await start(join(folder, 'profile'), { ignoreHTTPSErrors: true, locale: 'zh-CN' });
  browser.on('request', (request) => {
    if (!request.url().startsWith(said.address)) said.foreign.push(request.url());
  });
  page = await browser.newPage();
  page.on('console', (message) => said.complaints.push(message.text()));
  page.on('pageerror', (error) => said.complaints.push(`${error}`));
  page.on('dialog', async (dialog) => {
    said.dialogs.push(dialog.message());
    await dialog.dismiss();
  });
});

after(async () => {
  await browser?.close();
  if (demo && demo.exitCode === null) {
    demo.kill('SIGTERM');
    await once(demo, 'exit');
  }
  if (folder) await rm(folder, { recursive: true, force: true });
});

const account = () => ({ account: 'office', password: words('office ')[1] });
const mint = () => `0${[...randomBytes(25)].map((byte) => ULID[byte % 32]).join('')}`;

/** One request to the programs' side, as the office; its answer read. */
async function ask(method, path, token, data) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const reply = await browser.request.fetch(new URL(path, said.address).href, { method, headers, data });
  return { status: reply.status(), ...(await reply.json()) };
}

/** What must be answered. */
async function answered(...asked) {
  const reply = await ask(...asked);
  assert.equal(reply.status, 200, JSON.stringify(reply));
  return reply;
}

/** Names a compound anew; its version is told by whoever refuses an old one. */
async function rename(token, site, name, org) {
  const row = { id: site.id, name, street: site.street, management: 'unmanaged', supervised_by: org };
  const command = (version) => ({ id: mint(), expected_version: version, act: { register_site: { site: row, buildings: [] } } });
  const refused = await ask('POST', '/api/v1/commands', token, command(site.version));
  if (refused.status === 409) site.version = refused.version;
  const done = refused.status === 409 ? await ask('POST', '/api/v1/commands', token, command(site.version)) : refused;
  assert.equal(done.status, 200, JSON.stringify(done));
  site.version = done.version;
}

test('two hundred scripts as names are shown as the texts they are, and none is run', { timeout: 300_000 }, async () => {
  assert.equal(new Set(PAYLOADS).size, 200);
  const { access_token: token } = await answered('POST', '/api/v1/session', undefined, account());
  const [{ org }] = (await answered('GET', '/api/v1/rounds?page_size=1', token)).rows;
  await page.goto(said.address);
  await page.getByLabel('账号').fill(account().account);
  await page.getByLabel('密码').fill(account().password);
  await page.getByRole('button', { name: '登录' }).click();
  const names = () => page.getByRole('region', { name: '火灾隐患台账表' }).locator('tbody th').allTextContents();
  const shown = new Set(await names());
  const { rows } = await answered('GET', '/api/v1/hazards?page_size=500', token);
  const sites = new Map(rows.filter((row) => shown.has(row.site_name)).map((row) => [row.site, { id: row.site, street: row.street, version: 1 }]));
  assert.ok(sites.size >= 2, `${sites.size} compounds in sight`);
  const before = await page.locator('*').count();
  const queue = [...PAYLOADS];
  while (queue.length > 0) {
    const batch = queue.splice(0, sites.size);
    const named = [...sites.values()].slice(0, batch.length);
    for (const [i, site] of named.entries()) await rename(token, site, batch[i], org);
    await page.reload();
    const found = new Set(await names());
    for (const payload of batch) assert.ok(found.has(payload), `${payload} is not among ${[...found].join(' | ')}`);
    assert.equal(await page.locator('*').count(), before, 'not one element more');
  }
  assert.deepEqual(said.dialogs, []);
});

test('nobody else was asked, and the browser had nothing to complain of', () => {
  assert.deepEqual(said.foreign, []);
  assert.deepEqual(said.complaints, []);
});
