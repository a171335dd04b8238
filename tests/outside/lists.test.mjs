// Whole lists through a running office, by its routes and by its command line: three thousand real footprints, of which 32 are
// taken as candidates and every other comes back with its reason, in a workbook that LibreOffice opens; and spreadsheets that
// are damaged, that are bombs or that only look like one, which change nothing (X01 to X04). Build first: `make outside`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Office } from '../bindings/office.mjs';
import { Desk } from './desk.mjs';
import { opened } from './opened.mjs';

const near = (name) => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);
/** What the footprints do not say of themselves. */
const SAID = { street: '500110001', use: 'residential', datum: 'wgs84' };
const [ALL, TAKEN] = [3_076, 32];
const LIMIT = /^高 (\d+(?:\.\d)?) 米，不超过 27 米，不属于高层住宅建筑$/;

const offices = [];
let office;
let desk;
let footprints;
let heights;

before(async () => {
  // An export is a request like any other here.
  process.env.LOUAN__LIMITS__EXPORTS_PER_HOUR = '1000000';
  [office, desk] = await founded();
  footprints = (await run('zstd', ['-dcq', near('../data/footprints.geojson.zst')], { encoding: 'buffer', maxBuffer: 64 << 20 })).stdout;
  heights = JSON.parse(footprints).features.map(({ properties }) => properties.height);
  assert.deepEqual([heights.length, heights.filter((metres) => metres > 27).length], [ALL, TAKEN]);
});

after(async () => {
  for (const [office, desk] of offices) {
    desk.leave();
    await office.close();
  }
});

async function founded() {
  const office = await Office.founded();
  offices.push([office, await Desk.at(office)]);
  return offices.at(-1);
}

const send = (bytes, query = {}) =>
  desk.ask('POST', `/api/v1/imports?${new URLSearchParams(query)}`, { 'content-type': 'application/octet-stream' }, bytes);

async function seen(bytes, query) {
  const { status, body } = await send(bytes, query);
  assert.equal(status, 200, `${body}`);
  return JSON.parse(body);
}

const counts = ({ new: fresh, changed, same, refused }) => ({ fresh, changed, same, refused });

/** How far the office's log is: whatever is entered or decided moves it. */
function head(desk) {
  return new Promise((resolve, reject) => {
    const headers = desk.known('GET', '/api/v1/events');
    const asked = get(`${desk.office.url}/api/v1/events`, { headers, agent: desk.agent }, (reply) => {
      let said = '';
      reply.setEncoding('utf8').on('data', (part) => {
        said += part;
        const [, pos] = /data: ?{"pos":(\d+)}/.exec(said) ?? [];
        if (!pos) return;
        resolve(Number(pos));
        asked.destroy();
      });
      reply.on('error', reject);
    });
    asked.on('error', reject);
  });
}

/** The buildings, as LibreOffice reads the office's own ledger of them: the rows below the header, by its titles. */
async function buildings(desk) {
  const book = await opened(desk.office.folder, 'buildings', await desk.get('/api/v1/exports/buildings.xlsx'));
  const [, titles, ...rows] = book.rows;
  const named = rows.map((row) => Object.fromEntries(titles.map((title, at) => [title, row[at] ?? ''])));
  // What is printed below them is no building.
  return named.filter((row) => row['建筑名称']);
}

/** What an import has put on the map: the compound that was there before stands on it, too. */
const onTheMap = async (desk) => {
  const { features } = JSON.parse(await desk.get('/api/v1/exports/buildings.geojson'));
  return features.filter(({ properties }) => properties.site !== '示例苑');
};

/** The workbook has every line that was not taken, each with its number and its reason, and says of the others what to look at. */
async function explained(desk, bytes, name) {
  const { rows, formulas, acting } = await opened(desk.office.folder, name, bytes);
  assert.deepEqual({ formulas, acting }, { formulas: 0, acting: 0 });
  const [header] = rows;
  const [reason, number] = [header.indexOf('错误原因'), header.indexOf('原行号')];
  const lines = rows.slice(1, 1 + ALL - TAKEN);
  assert.deepEqual(rows[lines.length + 1], ['原行号', '列', '提示'], 'nothing but the refused lines stands before the other sheet');
  const found = new Map(lines.map((line) => [Number(line[number]), line[reason]]));
  const low = heights.flatMap((metres, at) => (metres > 27 ? [] : [[at + 1, metres]]));
  assert.deepEqual([...found.keys()], low.map(([at]) => at));
  for (const [at, metres] of low) assert.equal(Number(LIMIT.exec(found.get(at))?.[1]), metres, `${at}: ${found.get(at)}`);
  const notices = rows.slice(lines.length + 2);
  const high = heights.flatMap((metres, at) => (metres > 27 ? [`${at + 1}`] : []));
  assert.deepEqual([...new Set(notices.map(([at]) => at))], high, 'what is to be looked at concerns lines that are taken');
}

/** The candidates as they are entered: to be verified, each with its height and where its outline is. */
async function entered(desk, before) {
  const rows = (await buildings(desk)).slice(0);
  const fresh = rows.filter((row) => row['建筑名称'].startsWith('轮廓 '));
  assert.deepEqual([rows.length, fresh.length], [before + TAKEN, TAKEN]);
  const map = await onTheMap(desk);
  const wanted = heights.filter((metres) => metres > 27).sort();
  assert.deepEqual(map.map(({ properties }) => properties.height).sort(), wanted);
  return fresh.map((row) => row['建账状态']);
}

test('of three thousand footprints 32 are taken and the rest come back with their reason, by the routes', { timeout: 120_000 }, async () => {
  const [at, before] = [await head(desk), (await buildings(desk)).length];
  const import_ = await seen(footprints, SAID);
  assert.deepEqual(counts(import_), { fresh: TAKEN, changed: 0, same: 0, refused: ALL - TAKEN });
  assert.equal(import_.faults.length + import_.more_faults, ALL - TAKEN, 'one report speaks of all');
  for (const { row, reason } of import_.faults) assert.equal(Number(LIMIT.exec(reason)?.[1]), heights[row - 1], reason);
  await explained(desk, await desk.get(`/api/v1/imports/${import_.id}/errors`), 'errors');
  assert.equal(await head(desk), at, 'looking changes nothing');

  assert.deepEqual(await desk.post(`/api/v1/imports/${import_.id}/commit`), { done: TAKEN, left: [] });
  assert.ok((await head(desk)) > at);
  assert.deepEqual([...new Set(await entered(desk, before))], ['待核'], 'nobody has measured them');
  assert.deepEqual(counts(await seen(footprints, SAID)), { fresh: 0, changed: 0, same: TAKEN, refused: ALL - TAKEN });

  assert.deepEqual(await desk.post(`/api/v1/imports/${import_.id}/undo`), { done: TAKEN, left: [] });
  assert.deepEqual(await onTheMap(desk), [], 'none of them stands');
  const states = (await buildings(desk)).filter((row) => row['建筑名称'].startsWith('轮廓 ')).map((row) => row['建账状态']);
  assert.deepEqual([states.length, ...new Set(states)], [TAKEN, '已注销']);

  // The ledger that says so, brought back as it is, brings none of them back; the list they came from does.
  const { fresh, changed } = counts(await seen(await desk.get('/api/v1/exports/buildings.xlsx')));
  assert.deepEqual({ fresh, changed }, { fresh: 0, changed: 0 });
  const again = await seen(footprints, SAID);
  assert.deepEqual(counts(again), { fresh: 0, changed: TAKEN, same: 0, refused: ALL - TAKEN });
  assert.deepEqual(await desk.post(`/api/v1/imports/${again.id}/commit`), { done: TAKEN, left: [] });
  assert.deepEqual([...new Set(await entered(desk, before))], ['待核']);
});

test('the same by the command line beside a running server', { timeout: 120_000 }, async () => {
  const [other, clerk] = await founded();
  const [at, before] = [await head(clerk), (await buildings(clerk)).length];
  const [list, errors] = ['list.geojson', 'errors.xlsx'].map((name) => join(other.folder, name));
  await writeFile(list, footprints);
  const said = Object.entries(SAID).flatMap(([name, value]) => [`--${name}`, value]);
  const read = await other.louan('import', 'read', list, '--as', 'clerk', ...said, '--errors', errors);
  assert.match(read, new RegExp(`^新增 ${TAKEN}，更新 0，重复 0，错误 ${ALL - TAKEN}。\n`));
  assert.match(read, /第 1 行：高 6 米，不超过 27 米，不属于高层住宅建筑\n/);
  const [, id] = /louan import commit ([0-9a-f]{32}) --as clerk/.exec(read);
  await explained(clerk, await readFile(errors), 'by-command');
  assert.equal(await head(clerk), at, 'looking changes nothing');
  assert.match(await other.louan('import', 'commit', id, '--as', 'clerk'), new RegExp(`^已导入：${TAKEN} 个小区。\n`));
  assert.deepEqual([...new Set(await entered(clerk, before))], ['待核'], 'the server shows them at once');
  assert.match(await other.louan('import', 'undo', id, '--as', 'clerk'), new RegExp(`^已撤销：${TAKEN} 个小区恢复原状。\n`));
  assert.deepEqual(await onTheMap(clerk), []);
  await assert.rejects(other.louan('import', 'undo', id, '--as', 'clerk'), /这次导入的状态是“已撤销”/);
});

test('a spreadsheet that is damaged, or is none, is refused with the place and changes nothing', { timeout: 120_000 }, async () => {
  const folder = join(office.folder, 'damaged');
  await run('python3', [near('workbooks.py'), folder]);
  const cases = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  assert.ok(cases.length >= 20);
  const honest = await readFile(join(folder, 'honest.xlsx'));
  assert.deepEqual(counts(await seen(honest)), { fresh: 1, changed: 0, same: 0, refused: 0 }, 'what they were made from is taken');
  const [at, before] = [await head(desk), await buildings(desk)];
  for (const { name, file, code, words } of cases) {
    const { status, headers, body } = await send(await readFile(join(folder, file)));
    assert.deepEqual([status, headers['content-type']], [422, 'application/problem+json'], `${name}: ${body}`);
    const { detail, errors } = JSON.parse(body);
    assert.match(detail, /未作任何改动/);
    assert.equal(errors.length, 1, name);
    assert.equal(errors[0].code, code, `${name}: ${body}`);
    assert.ok(errors[0].detail.includes(words), `${name}: ${body}`);
    assert.equal(await head(desk), at, name);
    assert.equal((await desk.ask('GET', '/healthz')).status, 200, name);
  }
  assert.deepEqual(await buildings(desk), before);
  assert.deepEqual(counts(await seen(honest)), { fresh: 1, changed: 0, same: 0, refused: 0 }, 'and still is');
});

test('of a mixed list what is wrong is told by row and column, and only what is right is entered', { timeout: 120_000 }, async () => {
  const wrong = [
    ['古南街道,混合苑,2栋,住宅,高,图纸,,,', 'E', '高度“高”不是数字'],
    ['古南街道,混合苑,3栋,住宅,5000,图纸,,,', 'E', '高度“5000”不在 0 至 1000 米之间'],
    ['古南街道,混合苑,4栋,住宅,27,图纸,,,', undefined, '高 27 米，不超过 27 米，不属于高层住宅建筑'],
    ['古南街道,混合苑,5栋,公共,24,图纸,,,', undefined, '高 24 米，不超过 24 米，不属于高层公共建筑'],
    ['无名街道,混合苑,6栋,住宅,54.5,图纸,,,', 'A', '没有“无名街道”这个街镇'],
    [',混合苑,7栋,住宅,54.5,图纸,,,', 'A', '缺少街镇'],
    ['古南街道,混合苑,8栋,仓库,54.5,图纸,,,', 'D', '使用性质“仓库”无法识别，请填写住宅、公共或商住混合'],
    ['古南街道,混合苑,9栋,住宅,54.5,图纸,106.65,,WGS84', 'H', '有经度而没有可用的纬度'],
    ['古南街道,混合苑,10栋,住宅,54.5,图纸,29.02,106.65,WGS84', 'G', '经度和纬度可能填反了'],
    ['古南街道,混合苑,11栋,住宅,54.5,图纸,106.65,29.02,', 'I', '缺少坐标系'],
    ['古南街道,,,住宅,54.5,图纸,,,', 'C', '缺少小区名称和建筑名称'],
    ['古南街道,混合苑,12栋,住宅,#REF!,图纸,,,', 'E', '高度“#REF!”不是数字'],
  ];
  const right = '古南街道,混合苑,1栋,住宅,54.5,图纸,,,';
  const list = ['街镇,小区,栋号,使用性质,建筑高度,高度来源,经度,纬度,坐标系', right, ...wrong.map(([line]) => line)].join('\n');
  const [at, before] = [await head(desk), await buildings(desk)];
  const import_ = await seen(list);
  assert.deepEqual(counts(import_), { fresh: 1, changed: 0, same: 0, refused: wrong.length });
  const told = import_.faults.map(({ row, column, reason }) => [row, column, reason]);
  assert.deepEqual(told, wrong.map(([, column, reason], n) => [n + 3, column, reason]));
  assert.equal(await head(desk), at);
  assert.deepEqual(await buildings(desk), before, 'nothing is entered by being looked at');
  const errors = await opened(office.folder, 'mixed', await desk.get(`/api/v1/imports/${import_.id}/errors`));
  assert.deepEqual(errors.rows.slice(1).map((row) => Number(row.at(-1))), wrong.map((_, n) => n + 3));
  assert.deepEqual(await desk.post(`/api/v1/imports/${import_.id}/commit`), { done: 1, left: [] });
  const now = await buildings(desk);
  assert.deepEqual(now.filter((row) => row['小区/项目'] === '混合苑').map((row) => row['建筑名称']), ['1栋']);
  assert.equal(now.length, before.length + 1);
});
