// A clerk at his desk: signed in to a running office, asking over HTTPS as any program would.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';

import { Office } from '../bindings/office.mjs';

const ULID = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A random id in the one spelling of ids; the first letter keeps it within 128 bits. */
export const mint = () => `0${[...randomBytes(25)].map((byte) => ULID[byte % 32]).join('')}`;

export class Desk {
  /** Signs the street's clerk in. */
  static async at(office) {
    const desk = new Desk();
    desk.office = office;
    desk.agent = new Agent({ ca: await readFile(office.root) });
    const { access_token: token } = await desk.post('/api/v1/session', Office.clerk);
    desk.token = token;
    return desk;
  }

  leave() {
    this.agent.destroy();
  }

  /** One request; its status, headers and body. */
  ask(method, path, headers = {}, body = '') {
    const all = { ...headers, 'content-length': Buffer.byteLength(body) };
    if (this.token) all.authorization = `Bearer ${this.token}`;
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
