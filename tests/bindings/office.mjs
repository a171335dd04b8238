// A real office for one story: `louan serve` over HTTPS on a store and with a root certificate of its own, peopled
// by its own command line, its compound entered over its own API. Nothing here knows a rule; whatever is refused
// stops the story.

import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const LOUAN = process.env.LOUAN ?? fileURLToPath(new URL('../../target/debug/louan', import.meta.url));
const STREET = '500110001';
const PASSWORD = 'Guanyin-Shan-7-Lou';
const ULID = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A random id in the one spelling of ids; the first letter keeps it within 128 bits. */
const mint = () => `0${[...randomBytes(25)].map((byte) => ULID[byte % 32]).join('')}`;

const SITE = {
  name: '示例苑', street: STREET, address: '示例路1号', management: 'property_company',
  position: { lon_e7: 1_066_512_000, lat_e7: 290_284_000, datum: 'gcj02' },
};
/** On a slope: the house has a floor below the one where one walks out. */
const FLOORS = [
  { index: 0, name: '吊1', street_level: false },
  { index: 1, name: '平街层', street_level: true },
];
const BUILDINGS = [
  { name: '1栋', building_use: 'residential', height_cm: 5_000, height_source: 'drawing', storeys: 16, floors: FLOORS },
  { name: '2栋', building_use: 'residential', height_cm: 8_000, height_source: 'measured', storeys: 27 },
];

export class Office {
  /** The street's clerk, who signs in at the console. */
  static clerk = { account: 'clerk', password: PASSWORD };

  /** Makes a store, its people and its compound. */
  static async founded() {
    const office = new Office();
    office.folder = await mkdtemp(join(tmpdir(), 'louan-office-'));
    await office.#certify();
    await office.#louan('migrate');
    await office.#people();
    await office.start();
    await office.#register();
    return office;
  }

  /** Where it listens; kept over a restart, so that a phone finds it again. */
  get url() {
    return `https://127.0.0.1:${this.port}`;
  }

  /** The file with the root certificate that a phone must trust. */
  get root() {
    return this.#file('root.pem');
  }

  async start() {
    const server = spawn(LOUAN, this.#arguments('--listen', `127.0.0.1:${this.port ?? 0}`, 'serve'), {
      env: {
        ...process.env,
        LOUAN__EDGE__CERTIFICATE: this.#file('server.pem'),
        LOUAN__EDGE__KEY: this.#file('server.key'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.server = server;
    const said = [];
    const heard = (stream, done) => {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const address = /"address":"127\.0\.0\.1:(\d+)"/.exec(line);
        if (address) done(Number(address[1]));
      });
    };
    this.port = await new Promise((resolve, reject) => {
      heard(server.stdout, resolve);
      heard(server.stderr, resolve);
      server.once('error', reject);
      server.once('exit', (code) => reject(new Error(`louan serve ended with ${code}:\n${said.join('\n')}`)));
    });
  }

  async stop() {
    const gone = once(this.server, 'exit');
    this.server.kill('SIGTERM');
    await gone;
  }

  async close() {
    if (this.server.exitCode === null) await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What the clerk reads at the console, as bytes. */
  async get(path) {
    const { access_token: token } = await this.#post('session', Office.clerk);
    const headers = { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const asked = request(`${this.url}/api/v1/${path}`, { headers, ca: this.tls.ca }, async (reply) => {
        const bytes = Buffer.concat(await reply.toArray());
        if (reply.statusCode === 200) resolve(bytes);
        else reject(new Error(`${path}: ${reply.statusCode} ${bytes}`));
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  #file(name) {
    return join(this.folder, 'tls', name);
  }

  /** Its certificates, as an office without a public authority makes them; for this machine only. */
  async #certify() {
    await this.#louan('tls', 'init', '--dir', join(this.folder, 'tls'), '--name', 'localhost', '--ip', '127.0.0.1');
    const [ca, cert, key] = await Promise.all(
      ['root.pem', 'server.pem', 'server.key'].map((name) => readFile(this.#file(name))),
    );
    this.tls = { ca, cert, key };
  }

  #arguments(...rest) {
    return ['--store', join(this.folder, 'office.sqlite'), ...rest];
  }

  /** The office's own command line, beside the server; what it prints. */
  louan(...rest) {
    return this.#louan(...rest);
  }

  async #louan(...rest) {
    return (await promisify(execFile)(LOUAN, this.#arguments(...rest))).stdout;
  }

  async #org(code, kind, name) {
    await this.#louan('org', 'add', '--code', code, '--kind', kind, '--name', name, '--street', STREET);
    return code;
  }

  async #user(org, role, name) {
    const said = await this.#louan('user', 'add', '--org', org, '--role', role, '--name', name);
    return /编号 ([0-9A-Z]{26})/.exec(said)[1];
  }

  async #people() {
    const street = await this.#org('street', 'street', '示例街道办');
    await this.#org('police', 'police', '示例派出所');
    const property = await this.#org('property', 'property_manager', '示例物业公司');
    await this.#clerk(street);
    this.orgs = Object.fromEntries(
      (await this.#louan('org', 'list')).trim().split('\n').map((line) => line.split('\t')).map((row) => [row[2], row[0]]),
    );
    this.codes = {};
    for (const [phone, name] of [['a', '巡查员甲'], ['b', '巡查员乙']]) {
      const person = await this.#user(property, 'property_manager', name);
      const said = await this.#louan('enrol', 'new', person);
      this.codes[phone] = /[0-9A-Z]{4,}(?:-[0-9A-Z]{2,})+/.exec(said)[0];
    }
  }

  async #clerk(org) {
    const words = ['user', 'add', '--org', org, '--role', 'street', '--name', '经办一', '--login', 'clerk', '--password-stdin'];
    const said = promisify(execFile)(LOUAN, this.#arguments(...words));
    said.child.stdin.end(`${PASSWORD}\n`);
    await said;
  }

  async #register() {
    const { access_token: token } = await this.#post('session', Office.clerk);
    const site = { ...SITE, id: mint(), managed_by: this.orgs['示例物业公司'], supervised_by: this.orgs['示例派出所'] };
    const buildings = BUILDINGS.map((row, n) => ({ ...row, id: mint(), code: `${STREET}-00000${n + 1}`, state: 'registered' }));
    const command = { id: mint(), expected_version: 0, act: { register_site: { site, buildings } } };
    await this.#post('commands', command, token);
  }

  #post(path, body, token) {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    return new Promise((resolve, reject) => {
      const asked = request(`${this.url}/api/v1/${path}`, { method: 'POST', headers, ca: this.tls.ca }, async (reply) => {
        const text = (await reply.setEncoding('utf8').toArray()).join('');
        if (reply.statusCode < 300) resolve(JSON.parse(text));
        else reject(new Error(`${path}: ${reply.statusCode} ${text}`));
      });
      asked.on('error', reject);
      asked.end(JSON.stringify(body));
    });
  }
}
