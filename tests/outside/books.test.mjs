// Every workbook the office hands out, opened by LibreOffice, which knows nothing of this project: whatever somebody has
// written somewhere stands in it as the text it is, and nothing in it computes, fetches or waits to be clicked (X05).
// Build first: `make outside`.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Office } from '../bindings/office.mjs';
import { Desk, mint, operate, phone } from './desk.mjs';
import { converted, opened, told } from './opened.mjs';

const STREET = '500110001';

/** What a spreadsheet takes for something to compute or to follow, unless it is told that it is a text. */
const HOSTILE = [
  '=1+1', '+1', '-1', '@SUM(A1)', '＝1+1', '＋1', '－1', '＠SUM(A1)', '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0",
  '{=1+1}', '=DDE("x";"y";"z")', '=WEBSERVICE("http://x")', "'=1+1", 'http://x', '1E3', '"=1+1"',
];
/** Behind a sign that nobody sees: a person's text may not have it, and a list loses it. */
const UNSEEN = ['\t=1+2', '\r=1+3', '\t\r@SUM(A2)'];
/** What a phone takes for the name of a floor: twelve characters at most. */
const FLOORS = ['=3+1', '-3', '@SUM(A3)'];

let office;
let desk;

before(async () => {
  office = await Office.founded();
  desk = await Desk.at(office);
});

after(async () => {
  desk?.leave();
  await office?.close();
});

/** Organisations of these names, entered as an operator enters them: by kind, the ids by name. */
async function organisations(kinds, names) {
  const add = (kind, name, n) => ['org', 'add', '--code', `${kind}-${n}`, '--kind', kind, `--name=${name}`, '--street', STREET];
  const words = kinds.flatMap((kind) => names.map((name, n) => ({ words: add(kind, name, n) })));
  const ids = (await operate(office, ...words)).map((said) => /编号 ([0-9A-Z]{26})。/.exec(said)[1]);
  return kinds.map((_, k) => Object.fromEntries(names.map((name, n) => [name, ids[k * names.length + n]])));
}

/** A compound with one building that has this text wherever a text can stand. */
function compound(text, managed, supervised) {
  const [id, building] = [mint(), mint()];
  const site = { id, name: text, street: STREET, grid: text, address: text, management: 'property_company' };
  const house = { id: building, code: text, name: text, building_use: 'residential', state: 'registered' };
  const buildings = [{ ...house, height_cm: 5_000, height_source: 'drawing' }];
  return { text, site: { ...site, managed_by: managed, supervised_by: supervised }, buildings };
}

const register = ({ site, buildings }) => {
  const command = { id: mint(), expected_version: 0, act: { register_site: { site, buildings } } };
  return desk.ask('POST', '/api/v1/commands', { 'content-type': 'application/json' }, JSON.stringify(command));
};

/** Rows as a file of comma-separated values. */
const list = (...rows) =>
  rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')).join('\n');

/** Nothing acts, and each of these columns has each of these texts. */
function harmless(book, header, columns, texts) {
  assert.deepEqual({ formulas: book.formulas, acting: book.acting }, { formulas: 0, acting: 0 });
  for (const column of columns) {
    const at = book.rows[header].indexOf(column);
    assert.notEqual(at, -1, `no column ${column} in ${book.rows[header]}`);
    const found = new Set(book.rows.slice(header + 1).map((row) => row[at]));
    assert.deepEqual(texts.filter((text) => !found.has(text)), [], `${column}: ${[...found]}`);
  }
}

test('the check sees a formula and a link where there is one', { timeout: 60_000 }, async () => {
  const names = ['office', 'table', 'text', 'xlink'].map((name) => {
    const space = name === 'xlink' ? 'http://www.w3.org/1999/xlink' : `urn:oasis:names:tc:opendocument:xmlns:${name}:1.0`;
    return `xmlns:${name}="${space}"`;
  });
  const flat = `<?xml version="1.0" encoding="UTF-8"?>
    <office:document ${names.join(' ')} xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.3"
      office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body><office:spreadsheet>
    <table:table table:name="a"><table:table-row>
      <table:table-cell table:formula="of:=1+1" office:value-type="float" office:value="2"/>
      <table:table-cell office:value-type="string"><text:p><text:a xlink:type="simple" xlink:href="http://x">x</text:a></text:p></table:table-cell>
      <table:table-cell office:value-type="string"><text:p>=1+1</text:p></table:table-cell>
    </table:table-row></table:table></office:spreadsheet></office:body></office:document>`;
  const folder = join(office.folder, 'planted');
  await mkdir(folder);
  await writeFile(join(folder, 'planted.fods'), flat);
  await converted(office.folder, [join(folder, 'planted.fods')], 'xlsx', office.folder);
  await converted(office.folder, [join(office.folder, 'planted.xlsx')], 'fods', office.folder);
  const planted = await told(join(office.folder, 'planted.fods'));
  assert.deepEqual(planted, { formulas: 1, acting: 1, rows: [['2', 'x', '=1+1']] });
  assert.throws(() => harmless(planted, 0, [], []), /formulas: 1/);
  const computed = { formulas: 0, acting: 0, rows: [['a'], ['2']] };
  assert.throws(() => harmless(computed, 0, ['a'], ['=1+1']), /a: 2/);
});

test('the ledgers hold as text whatever stands in compounds, buildings, hazards, visits and names', { timeout: 120_000 }, async () => {
  const [police, companies] = await organisations(['police', 'property_manager'], HOSTILE);

  // Each text twice: once under a company of that name, once where the phone's own company reports hazards.
  const mine = office.orgs['示例物业公司'];
  const reported = HOSTILE.map((text) => compound(text, mine, police[text]));
  for (const each of [...HOSTILE.map((text) => compound(text, companies[text], police[text])), ...reported]) {
    const reply = await register(each);
    assert.equal(reply.status, 200, `${each.text}: ${reply.body}`);
  }
  for (const text of UNSEEN) {
    const refused = await register(compound(text, mine, police[HOSTILE[0]]));
    assert.equal(refused.status, 422, `${JSON.stringify(text)}: ${refused.body}`);
  }

  const at = ({ site, buildings }) => ({ site: site.id, building: buildings[0].id });
  const wanted = [
    ...reported.map((each) => ({ ...at(each), text: each.text, spot: each.text })),
    ...FLOORS.map((text) => ({ ...at(reported[0]), text, floor: text })),
    ...[...UNSEEN, '\n=1+4'].map((text) => ({ ...at(reported[0]), text, spot: text })),
  ];
  const refused = UNSEEN.map((text) => [text, ['not_plain']]);
  assert.deepEqual(await phone(office, 'hazards.py', JSON.stringify(wanted)), refused, 'the phone takes no sign that nobody sees');

  const buildings = await opened(office.folder, 'buildings', await desk.get('/api/v1/exports/buildings.xlsx'));
  harmless(buildings, 1, ['建筑编码', '建筑名称', '小区/项目', '网格编号', '详细地址'], HOSTILE);
  harmless(buildings, 1, ['管理单位（物业）', '监管单位'], HOSTILE);
  const ledger = await opened(office.folder, 'hazards', await desk.get('/api/v1/exports/hazards.xlsx'));
  harmless(ledger, 1, ['小区/项目', '监管单位'], HOSTILE);
  harmless(ledger, 1, ['具体部位', '隐患描述'], [...HOSTILE, ...FLOORS, '\n=1+4']);
  const visits = await opened(office.folder, 'rounds', await desk.get('/api/v1/exports/rounds.xlsx'));
  harmless(visits, 1, ['小区/项目', '检查楼栋', '监管单位'], HOSTILE);
  // Nobody took a picture, and the ledgers say so.
  for (const book of [ledger, visits]) harmless(book, 1, ['照片数', '尚缺照片'], ['0']);
});

test('the lines an import did not take come back as the texts they are', { timeout: 60_000 }, async () => {
  const header = ['街镇', '小区', '栋号', '使用性质', '建筑高度', '地址', '=2+2', '@备注'];
  const wrong = [...HOSTILE, ...UNSEEN].map((text) => header.map(() => text));
  const seen = await desk.post('/api/v1/imports', list(header, ...wrong));
  assert.deepEqual([seen.new, seen.refused], [0, wrong.length], JSON.stringify(seen));
  const errors = await opened(office.folder, 'errors', await desk.get(`/api/v1/imports/${seen.id}/errors`));
  harmless(errors, 0, header, [...HOSTILE, ...UNSEEN.map((text) => text.trim())]);
  assert.equal(errors.rows.length, 1 + wrong.length);
  for (const row of errors.rows.slice(1)) assert.match(row[header.length], /A列：没有“/, 'and why');
});

test('a list brings nothing into the ledger that computes', { timeout: 60_000 }, async () => {
  const header = ['街镇', '小区', '栋号', '编码', '网格', '地址', '使用性质', '建筑高度', '高度来源'];
  const texts = [...HOSTILE, ...UNSEEN].map((text, n) => `${text}&例${n}`);
  const rows = texts.map((text) => ['古南街道', text, text, text, text, text, '住宅', '54.5', '图纸']);
  const seen = await desk.post('/api/v1/imports', list(header, ...rows));
  assert.deepEqual([seen.new, seen.refused], [rows.length, 0], JSON.stringify(seen));
  assert.deepEqual((await desk.post(`/api/v1/imports/${seen.id}/commit`)).left, []);
  const book = await opened(office.folder, 'imported', await desk.get('/api/v1/exports/buildings.xlsx'));
  const columns = ['建筑编码', '建筑名称', '小区/项目', '网格编号', '详细地址'];
  harmless(book, 1, columns, texts.map((text) => text.trim()));
});
