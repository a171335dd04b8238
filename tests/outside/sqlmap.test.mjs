// sqlmap, which knows nothing of this project, on the office's lists: every parameter and path segment, with a signed-in
// clerk's token, finds nothing to inject into (A05). A server that pastes into SQL proves that it would. Build first:
// `make outside`.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Office } from '../bindings/office.mjs';
import { Desk, busy } from './desk.mjs';

const SQLMAP = process.env.SQLMAP ?? fileURLToPath(new URL('../../.louan/python/bin/sqlmap', import.meta.url));
const INJECTABLE = fileURLToPath(new URL('injectable.py', import.meta.url));
/** The store is SQLite: what works on it alone, by error, by truth, by union, stacked and by time. */
const ATTACK = ['--batch', '--flush-session', '--disable-coloring', '--dbms', 'sqlite', '--level', '3', '--risk', '2', '--technique', 'BEUST'];

let folder;
let office;
let desk;
let day;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'louan-sqlmap-'));
  // Nothing is to be hidden by a limit on how often somebody asks.
  process.env.LOUAN__LIMITS__EXPORTS_PER_HOUR = '1000000';
  process.env.LOUAN__LIMITS__READS_PER_MINUTE = '1000000';
  office = await Office.founded();
  desk = await Desk.at(office);
  day = await busy(office, desk);
});

after(async () => {
  desk?.leave();
  await office?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Attacks an address, `*` behind what is to be attacked in its path: what sqlmap says of each, and the statuses it got. */
async function attacked(url, ...words) {
  const home = await mkdtemp(join(folder, 'run-'));
  const traffic = join(home, 'traffic');
  const where = ['--output-dir', join(home, 'found'), '-t', traffic];
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: home };
  const { stdout } = await promisify(execFile)(SQLMAP, [...ATTACK, ...where, ...words, '-u', url], { env, maxBuffer: 64 << 20 });
  const statuses = {};
  for (const [, status] of (await readFile(traffic, 'utf8')).matchAll(/^HTTP response \[#\d+\] \((\d{3}) /gm)) {
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  const found = (what) => [...new Set([...stdout.matchAll(what)].map(([, name]) => name))];
  const safe = found(/parameter '([^']+)' does not seem to be injectable/g);
  return { safe, broken: found(/^Parameter: (\S+)/gm), ways: found(/^ +Type: (.+)$/gm), statuses, stdout };
}

test('sqlmap breaks into a server that pastes into SQL', { timeout: 120_000 }, async () => {
  const server = spawn('python3', [INJECTABLE], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(server, 'exit');
  try {
    const [port] = await once(server.stdout.setEncoding('utf8'), 'data');
    const url = `http://127.0.0.1:${Number(port)}/rows`;
    const query = await attacked(`${url}?name=a`);
    assert.deepEqual(query.broken, ['name'], query.stdout);
    // What goes by time goes by the machine's too: only the others are certain.
    for (const way of ['UNION query', 'boolean-based blind', 'error-based']) assert.ok(query.ways.includes(way), query.stdout);
    const path = await attacked(`${url}/a*`, '--technique', 'BEU');
    assert.deepEqual(path.broken, ['#1*'], path.stdout);
  } finally {
    server.stdin.end();
    await gone;
  }
});

test('sqlmap finds nothing to inject into on the office\'s lists', { timeout: 300_000 }, async () => {
  const street = 'street=500110001';
  const page = 'page=1&page_size=50';
  const lists = [
    [`hazards?${street}&site=${day.site}&state=rectifying&overdue=2099-12-31&${page}`, 6],
    [`rounds?${street}&site=${day.site}&until=2099-01-01&${page}`, 5],
    [`exports/buildings.geojson?${street}&datum=gcj02`, 2],
    ['months/2099-01-31*', 1],
    [`hazards/${day.hazard}*/photos`, 1],
    [`photos/${day.photo}*/alike`, 1],
  ];
  for (const [path, parameters] of lists) {
    // A list without a row would look the same whatever was injected into it.
    const rows = (await desk.get(`/api/v1/${path.replace('*', '')}`)).toString();
    assert.match(rows, /"(?:id|street|hash)":/, path);
    const words = ['--headers', `Authorization: Bearer ${desk.token}`, '--skip', 'User-Agent,Referer'];
    const { safe, broken, statuses, stdout } = await attacked(`${office.url}/api/v1/${path}`, ...words);
    assert.deepEqual(broken, [], stdout);
    assert.equal(safe.length, parameters, `${path}: ${safe}\n${stdout}`);
    // It was answered, as asked or with a refusal of the very request: never for being too many, never signed out.
    const unexpected = Object.keys(statuses).filter((status) => !['200', '400', '404', '422'].includes(status));
    assert.deepEqual(unexpected, [], `${path}: ${JSON.stringify(statuses)}`);
    const answered = Object.values(statuses).reduce((sum, each) => sum + each);
    assert.ok(statuses[200] >= 1 && answered >= 100 * parameters, `${path}: ${JSON.stringify(statuses)}`);
  }
});
