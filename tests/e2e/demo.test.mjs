// The demonstration as somebody looks at it: sign in with a printed account, see the printed ledger line and the
// month's printed figures, on a desk and on a phone. Build first: `make page`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { start } from './chromium.mjs';

const DEMO = process.env.DEMO ?? fileURLToPath(new URL('../../target/debug/demo', import.meta.url));
// Where pictures of the pages go, for whoever wants to look at them.
const PICTURES = process.env.PICTURES;
const SLICE = ['--buildings', '1', '--until', '2020-03-13', '--port', '0', '--stay'];

let folder;
let demo;
let browser;
let page;
const said = { lines: [], foreign: [], complaints: [] };

/** The words of the first line that begins with `head`. */
const words = (head) => said.lines.find((line) => line.trim().startsWith(head))?.trim().split(/\s+/);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'louan-demo-'));
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
});

after(async () => {
  await browser?.close();
  if (demo && demo.exitCode === null) demo.kill('SIGTERM');
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function look(name, width) {
  await page.setViewportSize({ width, height: 900 });
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}-${width}.png`), fullPage: true });
}

async function signIn(login, password = words(`${login} `)[1]) {
  await page.goto(said.address);
  await page.getByLabel('账号').fill(login);
  await page.getByLabel('密码').fill(password);
  await page.getByRole('button', { name: '登录' }).click();
}

/** What is too small for an old hand or an old eye on the page as it is shown. */
const tooSmall = () =>
  page.evaluate(() => {
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
      const box = element.getBoundingClientRect();
      if (box.width === 0 || box.right < 0) continue;
      const size = parseFloat(getComputedStyle(element).fontSize);
      if (size < 18) found.push(`${element.tagName} has letters of ${size} px`);
      if (element.matches('button, input, a.button') && box.height < 60) found.push(`${element.tagName} is ${box.height} px high`);
    }
    if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
    return found;
  });

test('a second demonstration leaves the folder of one that still serves alone', async () => {
  const words = SLICE.map((word) => (word === '--stay' ? '--end' : word));
  const second = spawn(DEMO, [...words, '--folder', join(folder, 'data')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  second.stderr.on('data', (data) => (complaint += data));
  const [code] = await once(second, 'close');
  assert.equal(code, 1);
  assert.match(complaint, /另一个演示正在使用文件夹/);
});

test('a wrong password is said in words beside the form', async () => {
  await signIn('nobody', 'Wrong-Password-1');
  assert.match(await page.getByRole('alert').innerText(), /账号或密码不正确/);
  await look('refused', 390);
  assert.deepEqual(await tooSmall(), []);
});

test('the leading group reads the printed figures and the printed ledger line', async () => {
  await signIn('office');
  assert.match(await page.getByText('区领导小组办公室').first().innerText(), /办公室干事一/);
  const total = words('合计').slice(1);
  const table = page.getByRole('region', { name: '整治情况累计统计表' });
  assert.deepEqual(await table.locator('tfoot td').allInnerTexts(), total);
  assert.equal(await table.locator('tbody tr').count(), 21);
  assert.ok(Number(total[0]) > 0 && Number(total[1]) > 0, 'a slice with something in it');
  assert.deepEqual(await page.locator('.tiles dd').allInnerTexts(), total);
  const first = said.lines.find((line) => /^\s+1 /.test(line)).trim().split(/\s+/);
  const row = page.getByRole('region', { name: '火灾隐患台账表' }).locator('tbody tr').first();
  const shown = await row.innerText();
  for (const word of [first[1], first[2], /H\d\.\d\d/.exec(first.join(' '))[0]]) assert.ok(shown.includes(word), `${word} in ${shown}`);
  await look('overview', 1280);
});

test('on a phone nothing is too small, nothing is cut off and every figure keeps its title', async () => {
  await look('overview', 390);
  assert.deepEqual(await tooSmall(), []);
  const cell = page.getByRole('region', { name: '整治情况累计统计表' }).locator('tbody tr').first().locator('td.number').first();
  assert.equal(await cell.evaluate((td) => getComputedStyle(td, '::before').content), '"检查次数"');
});

test('an earlier cut-off gives fewer visits, and signing out ends the session', async () => {
  await page.getByLabel('统计截止日期').fill('2020-02-07');
  await page.getByRole('button', { name: '查看' }).click();
  assert.match(await page.getByText('截至 2020-02-07 24时').innerText(), /按发生时间统计/);
  const visits = Number(await page.locator('.tiles dd').first().innerText());
  assert.ok(visits < Number(words('合计')[1]), `${visits} visits`);
  await page.getByRole('button', { name: '退出登录' }).click();
  await page.goto(said.address);
  assert.match(page.url(), /\/login$/);
});

test('a police station sees its own street and no other', async () => {
  await signIn('police-001');
  const rows = page.getByRole('region', { name: '整治情况累计统计表' }).locator('tbody tr');
  assert.deepEqual(await rows.locator('th').allInnerTexts(), ['古南街道']);
  await look('police', 390);
});

test('no page asked anybody else, and the browser had nothing to complain of', () => {
  assert.deepEqual(said.foreign, []);
  // The refused sign-in is written to the console by the browser itself.
  assert.deepEqual(said.complaints.filter((text) => !/status of 401/.test(text)), []);
});

test('a key press ends the demonstration and its server', async () => {
  const gone = once(demo, 'exit');
  demo.stdin.end('\n');
  assert.deepEqual(await gone, [0, null]);
  const socket = connect(Number(new URL(said.address).port), '127.0.0.1');
  const [refusal] = await once(socket, 'error');
  assert.equal(refusal.code, 'ECONNREFUSED');
});
