// Peers that take their time, played by slowhttptest, which knows nothing of this project, over TLS: a header, a body or a
// reader that never gets done holds its connection for as long as a limit says, and nobody else waits for it (R01).
// Each way has an office of its own, for one address may have fifty connections. Build first: `make outside`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setInterval } from 'node:timers/promises';

import { Office } from '../bindings/office.mjs';

const CONNECTIONS = 40;
/** Longest that the tool goes on: twice what the longest of the limits takes. */
const SECONDS_MAX = 70;
/** How often the system's connections are looked at. */
const LOOK_MS = 500;
/** In `/proc/net/tcp`: a connection that both sides keep up, and one that the other side has ended. */
const [ESTABLISHED, CLOSE_WAIT] = ['01', '08'];

/** The three ways, with what each asks for; seconds are those between two signs of life. */
const WAYS = {
  header: ['-H', '-t', 'GET', '-i', '5', '-x', '8'],
  body: ['-B', '-t', 'POST', '-i', '5', '-x', '8', '-s', '8192', '-f', 'application/json'],
  // Ten pipelined replies are more than the system takes for a peer that reads five bytes a second.
  reader: ['-X', '-t', 'GET', '-k', '10', '-n', '1', '-z', '5', '-w', '1', '-y', '512'],
};
const PATHS = { header: '/', body: '/api/v1/session', reader: '/assets/plain.css' };

let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'louan-slow-'));
});

after(() => rm(folder, { recursive: true, force: true }));

/** Connections to a server on this port: those it keeps up, and those somebody still holds to it. */
async function connections(port) {
  const mine = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  const kept = rows.filter(([, local, , state]) => local === mine && state === ESTABLISHED);
  const held = rows.filter(([, , remote, state]) => remote === mine && [ESTABLISHED, CLOSE_WAIT].includes(state));
  return { kept: kept.length, held: held.length };
}

/** The status of an ordinary request on a connection of its own. */
function ordinary(url, ca) {
  const get = url.startsWith('https') ? getSecure : getPlain;
  return new Promise((resolve, reject) => {
    const asked = get(`${url}/healthz`, { agent: false, ca }, (reply) => {
      reply.resume().on('end', () => resolve(reply.statusCode)).on('error', reject);
    });
    asked.on('error', reject);
  });
}

/**
 * Lets the tool loose on a server, for so many seconds at most: what it says at its end, how many connections there were
 * at most, whether the server ended every one while the tool held them, and what ordinary requests got meanwhile.
 */
async function loose(way, { url, ca }, seconds) {
  const port = Number(new URL(url).port);
  const name = join(folder, `${way}-${port}`);
  const words = ['-g', '-o', name, '-c', `${CONNECTIONS}`, '-r', `${CONNECTIONS}`, '-l', `${seconds}`, '-p', '3'];
  const tool = spawn('slowhttptest', [...WAYS[way], ...words, '-u', url + PATHS[way]], { stdio: ['ignore', 'pipe', 'inherit'] });
  const over = new AbortController();
  const said = tool.stdout.setEncoding('utf8').toArray();
  const ended = once(tool, 'close').finally(() => over.abort());
  const found = { most: 0, ended: false, statuses: new Set() };
  try {
    for await (const _ of setInterval(LOOK_MS, null, { signal: over.signal })) {
      const { kept, held } = await connections(port);
      found.most = Math.max(found.most, kept);
      // Somebody else asks while all of them are held.
      if (kept >= CONNECTIONS) found.statuses.add(await ordinary(url, ca));
      // The reader hears of the end only when it has read what came before it; the system knows already.
      if (way === 'reader' && found.most >= CONNECTIONS && kept === 0 && held > 0) {
        found.ended = true;
        break;
      }
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  } finally {
    tool.kill('SIGINT');
  }
  await ended;
  const end = /Exit status:\S* ([^\n]+)/.exec((await said).join(''))?.[1];
  return { ...found, statuses: [...found.statuses], ...(await report(`${name}.csv`)), end };
}

/** What the tool has written down second by second. */
async function report(path) {
  const rows = (await readFile(path, 'utf8')).trim().split('\n').map((line) => line.split(','));
  assert.deepEqual(rows[0], ['Seconds', 'Closed', 'Pending', 'Connected', 'Service Available']);
  const column = (at) => rows.slice(1).map((row) => Number(row[at]));
  return { connected: Math.max(...column(3)), last: column(3).at(-1), served: column(4).every((each) => each > 0) };
}

/** A server that ends nothing by itself. */
async function patient(act) {
  const server = createServer({ headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 }, (request, reply) => {
    if (request.method === 'GET') reply.end('x'.repeat(request.url === '/healthz' ? 1 : 1 << 20));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    return await act({ url: `http://127.0.0.1:${server.address().port}` });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** All three ways at once, each with a server of its own. */
const everyWay = async (act) =>
  Object.fromEntries(await Promise.all(Object.keys(WAYS).map(async (way) => [way, await act(way)])));

test('the check sees connections that a server leaves open', { timeout: 60_000 }, async () => {
  const found = await everyWay((way) => patient((server) => loose(way, server, 8)));
  for (const [way, { end, ended, last, statuses }] of Object.entries(found)) {
    assert.deepEqual({ end, ended, last }, { end: 'Hit test time limit', ended: false, last: CONNECTIONS }, way);
    assert.deepEqual(statuses, [200], way);
  }
});

test('who never gets done is shown out, and whoever else asks is answered meanwhile', { timeout: 180_000 }, async () => {
  const found = await everyWay(async (way) => {
    const office = await Office.founded();
    try {
      return await loose(way, { url: office.url, ca: await readFile(office.root) }, SECONDS_MAX);
    } finally {
      await office.close();
    }
  });
  for (const [way, { end, ended, most, connected, served, statuses }] of Object.entries(found)) {
    assert.ok(most >= CONNECTIONS && connected === CONNECTIONS, `${way}: ${connected} of ${most} were connected`);
    assert.deepEqual({ statuses, served }, { statuses: [200], served: true }, way);
    if (way === 'reader') assert.deepEqual({ ended, end }, { ended: true, end: 'Cancelled by user' }, way);
    else assert.equal(end, 'No open connections left', way);
  }
});
