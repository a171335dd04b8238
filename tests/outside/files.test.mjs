// What the office hands out, opened by programs that know nothing of this project: a map in GDAL.
// Build first: `make outside`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Office } from '../bindings/office.mjs';
import { Desk } from './desk.mjs';

const PYTHON = process.env.PYTHON ?? fileURLToPath(new URL('../../.louan/python/bin/python', import.meta.url));
const READER = fileURLToPath(new URL('geopackage.py', import.meta.url));
const LIST = [
  '街镇,小区,栋号,使用性质,建筑高度,高度来源,经度,纬度,坐标系',
  '古南街道,观音山苑,１栋,住宅,54.5,图纸,106.651,29.028,WGS84',
  '古南街道,滨河大厦（南楼）,主楼,住宅,99,实测,106.6547487,29.0248195,GCJ02',
].join('\n');

let office;
let desk;

before(async () => {
  office = await Office.founded();
  desk = await Desk.at(office);
  const seen = await desk.post('/api/v1/imports', LIST);
  assert.deepEqual([seen.new, seen.refused], [2, 0], JSON.stringify(seen));
  assert.deepEqual(await desk.post(`/api/v1/imports/${seen.id}/commit`), { done: 2, left: [] });
});

after(async () => {
  desk?.leave();
  await office?.close();
});

/** The map in a datum as GDAL reads it. */
async function map(datum) {
  const path = join(office.folder, `${datum}.gpkg`);
  await writeFile(path, await desk.get(`/api/v1/exports/buildings.gpkg?datum=${datum}`));
  return JSON.parse((await promisify(execFile)(PYTHON, [READER, path])).stdout);
}

test('a GeoPackage opens in GDAL with Chinese names and right positions', { timeout: 60_000 }, async () => {
  const places = {
    wgs84: { crs: 'EPSG:4326', at: [106.651, 29.028] },
    cgcs2000: { crs: 'EPSG:4490', at: [106.651, 29.028] },
    gcj02: { at: [106.6547487, 29.0248195] },
    bd09: { at: [106.6612135, 29.0308945] },
  };
  for (const [datum, { crs, at }] of Object.entries(places)) {
    const found = await map(datum);
    assert.deepEqual(found.layers, ['buildings']);
    if (crs) assert.equal(found.crs, crs);
    else assert.doesNotMatch(String(found.crs), /4326|4490/, `${datum} is not said to be something else`);
    const [own, rows] = [true, false].map((is) => found.rows.filter((row) => (row.site === '示例苑') === is));
    assert.equal(own.length, 2, 'the compound that was there before stands on the map, too');
    const names = rows.map((row) => `${row.street} ${row.site} ${row.name}`).sort();
    assert.deepEqual(names, ['古南街道 滨河大厦（南楼） 主楼', '古南街道 观音山苑 １栋'].sort());
    // Both stand at the same place, told in two datums.
    for (const row of rows) {
      assert.ok(Math.abs(row.lon - at[0]) <= 1e-6 && Math.abs(row.lat - at[1]) <= 1e-6, `${datum}: ${row.lon}, ${row.lat}`);
    }
  }
});
