// schemathesis, which knows nothing of this project, reads the description of the API and asks a running office whatever it
// allows and forbids: no answer is a fault of the server, none is other than described. A server that is not as it is
// described proves that every check would see it. Build first: `make outside`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Office } from '../bindings/office.mjs';
import { Desk, busy } from './desk.mjs';

const near = (name) => fileURLToPath(new URL(name, import.meta.url));
const SCHEMATHESIS = process.env.SCHEMATHESIS ?? near('../../.louan/python/bin/schemathesis');
const DESCRIPTION = near('../../schema/openapi.json');
const END = 'delete_session';
const LIMITS = [
  ...['SIGN_IN', 'SYNC', 'PHOTOS', 'COMMANDS', 'READS'].map((what) => `${what}_PER_MINUTE`),
  ...['IMPORTS_PER_HOUR', 'EXPORTS_PER_HOUR', 'PHOTOS_AT_ONCE', 'PHOTOS_PER_DAY'],
];
const DEVICES = '^/api/v1/(sync|uploads|blobs|photos|hazards/)';

let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'louan-openapi-'));
});

after(() => rm(folder, { recursive: true, force: true }));

/** Asks a server all that its description says: what was wrong, what it said yes to, and how often which status came. */
async function asked(description, { url, token, root = 'true', given = {} }, ...words) {
  const home = await mkdtemp(join(folder, 'run-'));
  const ids = { HAZARD: '-', PHOTO: '-', IMPORT: '-', SITE: '-', ACCOUNT: '-', PASSWORD: '-', ...given };
  // Its own way to put values into its settings does not reach everywhere.
  const put = Object.entries({ URL: url, TOKEN: token, ROOT: root, HOOKS: near('schemathesis_hooks.py'), ...ids });
  const settings = await readFile(near('schemathesis.toml'), 'utf8');
  const config = join(home, 'schemathesis.toml');
  await writeFile(config, put.reduce((text, [name, value]) => text.replaceAll(`{${name}}`, value), settings));
  const env = { ...process.env, HOME: home, PYTHONDONTWRITEBYTECODE: '1' };
  const reports = ['--report', 'json,ndjson', '--report-json-path', 'report.json', '--report-ndjson-path', 'events.ndjson'];
  const all = ['--no-color', '--config-file', config, 'run', description, ...reports, ...words];
  // It ends with 1 when it has found something; what it has found is in its report.
  const ran = promisify(execFile)(SCHEMATHESIS, all, { env, cwd: home, maxBuffer: 64 << 20 });
  const { stdout } = await ran.catch((error) => (error.code === 1 ? error : Promise.reject(error)));
  const report = JSON.parse(await readFile(join(home, 'report.json'), 'utf8'));
  const statuses = {};
  for (const [, status] of (await readFile(join(home, 'events.ndjson'), 'utf8')).matchAll(/"status_code":(\d+)/g)) {
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  const yes = Object.entries(report.valid_rates).filter(([, phases]) => Object.values(phases).some((phase) => phase.accepted));
  return { stdout, report, statuses, accepted: yes.map(([operation]) => operation).sort() };
}

/** Faults by their code, with where they were found. */
const faults = ({ report }) => Object.fromEntries(report.failures.map(({ code, operations }) => [code, operations]));

/** What a server does that is not as it is described, by the code of the fault that must be seen. */
const LIES = {
  ST101: { path: '/fault', status: 500, about: 'a fault of the server' },
  ST103: { path: '/status', status: 418, about: 'a status that is not described' },
  ST105: { path: '/kind', status: 200, kind: 'text/html', about: 'another media type' },
  ST108: { path: '/shape', status: 200, body: '{"rows":"none"}', about: 'another shape' },
  ST201: { path: '/lax', status: 200, about: 'what is forbidden is taken' },
  ST202: { path: '/strict', status: 400, about: 'what is allowed is not understood' },
  ST401: { path: '/open', status: 200, secured: true, about: 'nobody has to be signed in' },
};

test('schemathesis sees a server that is not as it is described', { timeout: 120_000 }, async () => {
  const shape = { type: 'object', required: ['rows'], properties: { rows: { type: 'array' } } };
  const answer = { description: 'rows', content: { 'application/json': { schema: shape } } };
  const described = ({ status, secured }) => ({
    security: secured ? [{ bearer: [] }] : [],
    parameters: [{ name: 'page', in: 'query', required: true, schema: { type: 'integer' } }],
    responses: { 200: answer, ...(status !== LIES.ST103.status && { [status]: answer }) },
  });
  const description = {
    openapi: '3.1.0',
    info: { title: 'lies', version: '1' },
    paths: Object.fromEntries(Object.values(LIES).map((lie) => [lie.path, { get: described(lie) }])),
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
  const path = join(folder, 'lies.json');
  await writeFile(path, JSON.stringify(description));
  const server = createServer((request, reply) => {
    const lie = Object.values(LIES).find((each) => each.path === request.url.split('?')[0]);
    const { status = 404, kind = 'application/json', body = '{"rows":[]}' } = lie ?? {};
    reply.writeHead(status, { 'content-type': kind }).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const seen = await asked(path, { url: `http://127.0.0.1:${server.address().port}`, token: 'x' }, '--max-examples', '5');
    const found = faults(seen);
    for (const [code, { path: where, about }] of Object.entries(LIES)) {
      assert.ok(found[code]?.includes(`GET ${where}`), `${about} (${code}): ${seen.stdout}`);
    }
    assert.ok(seen.accepted.includes('GET /lax') && !seen.accepted.includes('GET /strict'), `${seen.accepted}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('the office answers as it is described, whatever it is asked', { timeout: 300_000 }, async () => {
  const statuses = Object.values(JSON.parse(await readFile(DESCRIPTION, 'utf8')).paths).flatMap((item) =>
    Object.values(item).flatMap(({ responses }) => Object.keys(responses)),
  );
  assert.deepEqual(statuses.filter((status) => !/^[2-5]\d\d$/.test(status)), [], 'none stands for others');
  // No limit on how often somebody asks may hide what he would have been told.
  for (const limit of LIMITS) process.env[`LOUAN__LIMITS__${limit}`] = '1000000';
  const office = await Office.founded();
  const desks = [];
  const seat = async (desk) => desks[desks.push(await desk) - 1];
  try {
    const clerk = await seat(Desk.at(office));
    const day = await busy(office, clerk);
    const phone = await seat(Desk.device(office, office.codes.b));
    const leaving = await seat(Desk.at(office));
    const ids = { HAZARD: day.hazard, PHOTO: day.photo, IMPORT: day.import, SITE: day.site };
    // Somebody else signs in all the time: failures close his account, not the clerk's.
    const given = { ...ids, ACCOUNT: 'police', PASSWORD: Office.clerk.password };
    const at = (desk) => ({ url: office.url, root: office.root, token: desk.token, given });

    // The office's own description with one status left out of it: that it is answered all the same is found.
    const silent = JSON.parse(await readFile(DESCRIPTION, 'utf8'));
    delete silent.paths['/api/v1/hazards'].get.responses[422];
    const shorter = join(folder, 'silent.json');
    await writeFile(shorter, JSON.stringify(silent));
    const told = await asked(shorter, at(clerk), '--include-operation-id', 'get_hazards');
    assert.deepEqual(faults(told), { ST103: ['GET /api/v1/hazards'] }, told.stdout);

    const seen = {
      // A session that is ended says no more: that has one of its own.
      clerk: await asked(DESCRIPTION, at(clerk), '--exclude-operation-id', END),
      phone: await asked(DESCRIPTION, at(phone), '--include-path-regex', DEVICES),
      leaving: await asked(DESCRIPTION, at(leaving), '--include-operation-id', END),
    };
    for (const [who, { report, statuses, stdout }] of Object.entries(seen)) {
      assert.deepEqual(report.failures, [], `${who}: ${stdout}`);
      assert.deepEqual([report.errors, report.stop_reason], [[], 'completed'], `${who}: ${stdout}`);
      // Answers that say nothing but "later" would say nothing of the rest.
      const all = Object.values(statuses).reduce((sum, each) => sum + each, 0);
      assert.ok((statuses[429] ?? 0) * 20 < all && !Object.keys(statuses).some((status) => status >= 500), `${who}: ${JSON.stringify(statuses)}`);
    }
    // Whatever can be read was read, and not only refused.
    const { paths } = JSON.parse(await readFile(DESCRIPTION, 'utf8'));
    const read = Object.entries(paths).filter(([, item]) => item.get).map(([path]) => `GET ${path}`);
    const yes = [...seen.clerk.accepted, ...seen.leaving.accepted];
    assert.deepEqual([...read, 'POST /api/v1/session', 'DELETE /api/v1/session'].filter((each) => !yes.includes(each)), []);
    // Both are still who they were.
    await clerk.get('/api/v1/hazards');
    assert.equal((await phone.ask('HEAD', `/api/v1/blobs/${day.photo}`)).status, 404, 'another phone has sent it');
  } finally {
    desks.forEach((desk) => desk.leave());
    await office.close();
  }
});
