// A clerk at his desk: signed in to a running office, asking over HTTPS as any program would. And a day at that office, so
// that its lists have something to show.

import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { LOUAN, Office } from '../bindings/office.mjs';

const near = (name) => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);
const ULID = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A random id in the one spelling of ids; the first letter keeps it within 128 bits. */
export const mint = () => `0${[...randomBytes(25)].map((byte) => ULID[byte % 32]).join('')}`;

export class Desk {
  /** Somebody who is not signed in. */
  static async before(office) {
    const desk = new Desk();
    desk.office = office;
    desk.agent = new Agent({ ca: await readFile(office.root) });
    return desk;
  }

  /** Signs somebody in, the street's clerk unless another is named. */
  static async at(office, who = Office.clerk) {
    const desk = await Desk.before(office);
    desk.token = (await desk.post('/api/v1/session', who)).access_token;
    return desk;
  }

  /** A device with a key of its own, as a phone has it. */
  static async device(office, code) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
    const desk = await Desk.before(office);
    desk.key = privateKey;
    desk.token = (await desk.post('/api/v1/enrol', { code, public_key: point.toString('base64url') })).access_token;
    return desk;
  }

  leave() {
    this.agent.destroy();
  }

  /** The headers by which the office knows who asks: the token, and of a device its key's word for the request. */
  known(method, path, body = '') {
    if (!this.token) return {};
    const authorization = `Bearer ${this.token}`;
    if (!this.key) return { authorization };
    const nonce = randomBytes(16);
    const said = createHash('sha256').update(`louan/request/1\0${method}\n${path}\n${this.token}\n`).update(nonce);
    const message = said.update(createHash('sha256').update(body).digest()).digest();
    const signature = sign('sha256', message, { key: this.key, dsaEncoding: 'ieee-p1363' });
    return { authorization, 'louan-proof': `${nonce.toString('base64url')}.${signature.toString('base64url')}` };
  }

  /** One request; its status, headers and body. */
  ask(method, path, headers = {}, body = '') {
    const all = { ...headers, 'content-length': Buffer.byteLength(body), ...this.known(method, path, body) };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.office.url}${path}`, { method, headers: all, agent: this.agent }, (reply) => {
        const parts = [];
        reply.on('data', (part) => parts.push(part));
        reply.on('error', reject);
        reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(parts) }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** What must be there, as bytes. */
  async get(path) {
    return taken(`GET ${path}`, await this.ask('GET', path));
  }

  /** Sends JSON, a file when it is given as text, or nothing; the answer read. */
  async post(path, body) {
    const file = typeof body === 'string';
    const kind = body && { 'content-type': file ? 'application/octet-stream' : 'application/json' };
    const reply = await this.ask('POST', path, kind, file ? body : JSON.stringify(body));
    return JSON.parse(taken(`POST ${path}`, reply));
  }
}

function taken(what, { status, body }) {
  if (status === 200) return body;
  throw new Error(`${what}: ${status} ${body}`);
}

/** Has a phone do something, by a program of this folder that speaks the Python bindings; what it prints. */
export async function phone(office, program, input = '', ...words) {
  const paths = [near('../../target/bindings/python'), near('../bindings')];
  const all = [near(program), office.url, office.root, office.codes.a, ...words, join(office.folder, 'phone')];
  const told = run('python3', all, { env: { ...process.env, PYTHONPATH: paths.join(':') } });
  told.child.stdin.end(input);
  return JSON.parse((await told).stdout);
}

/** What an operator enters by the office's own command line, while it is closed. */
export async function operate(office, ...commands) {
  const said = [];
  await office.stop();
  for (const { words, input = '' } of commands) {
    const told = run(LOUAN, ['--store', join(office.folder, 'office.sqlite'), ...words]);
    told.child.stdin.end(input);
    said.push((await told).stdout);
  }
  await office.start();
  return said;
}

/** A day's work: a round, a hazard with a photo, confirmed by the police, and a building on the map. Its ids. */
export async function busy(office, clerk) {
  const police = { account: 'police', password: Office.clerk.password };
  const words = ['user', 'add', '--org', 'police', '--role', 'police', '--name', '民警一', '--login', 'police', '--password-stdin'];
  await operate(office, { words, input: `${police.password}\n` });
  const day = await phone(office, 'day.py', '', near('stairwell.jpg'));
  const list = '街镇,小区,栋号,使用性质,建筑高度,高度来源,经度,纬度,坐标系\n古南街道,观音山苑,1栋,住宅,54.5,图纸,106.651,29.028,WGS84';
  const { id } = await clerk.post('/api/v1/imports', list);
  await clerk.post(`/api/v1/imports/${id}/commit`);
  const desk = await Desk.at(office, police);
  try {
    const [row] = JSON.parse(await desk.get('/api/v1/hazards')).rows;
    const act = { confirm_hazard: { hazard: row.id, severity: 'serious', due_on: row.found_on } };
    await desk.post('/api/v1/commands', { id: mint(), expected_version: row.version, act });
  } finally {
    desk.leave();
  }
  return { ...day, import: id };
}
