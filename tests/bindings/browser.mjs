// A browser as the teller's phones: both live in one page's worker, on OPFS. A restart kills the browser and stops
// every server, then starts the browser again on the same profile: the page comes from its service worker.

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readlink, rm } from 'node:fs/promises';
import { request as plainly } from 'node:http';
import { createServer, request as securely } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { start } from '../e2e/chromium.mjs';
import { serve } from '../e2e/serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const core = process.env.LOUAN_WASM ?? here('../../target/wasm');
const camel = (call) => call.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

/**
 * One origin for page and office, as in real life: /api/ goes to the office, the rest to the files, some of which may be
 * replaced by scripts of the test's. While it is held, what goes to the office waits.
 */
async function gate(office, scripts, port = 0) {
  const files = await serve([here('page'), core]);
  let open = Promise.resolve();
  const server = createServer(office.tls, async (from, to) => {
    if (from.url.startsWith('/api/')) await open;
    if (from.url in scripts) return to.writeHead(200, { 'Content-Type': 'text/javascript' }).end(scripts[from.url]);
    const [request, target] = from.url.startsWith('/api/')
      ? [securely, office.url]
      : [plainly, files.origin.replace('localhost', '127.0.0.1')];
    const how = { method: from.method, headers: from.headers, ca: office.tls.ca };
    const onward = request(new URL(from.url, target), how, (reply) => {
      to.writeHead(reply.statusCode, reply.headers);
      reply.pipe(to);
    });
    onward.on('error', () => to.destroy());
    from.pipe(onward);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    origin: `https://localhost:${server.address().port}`,
    /** Holds it; the answer lets it go. */
    hold() {
      let letGo;
      open = new Promise((resolve) => (letGo = resolve));
      return letGo;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await files.close();
    },
  };
}

/** The switch by which Chromium takes this one key for trusted, as if the root certificate were installed. */
function trusting({ cert }) {
  const key = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`;
}

export class Browser {
  static async opened(office, scripts = {}) {
    const browser = new Browser();
    browser.office = office;
    browser.scripts = scripts;
    browser.profile = await mkdtemp(join(tmpdir(), 'louan-browser-'));
    browser.gate = await gate(office, scripts);
    browser.origin = browser.gate.origin;
    await browser.#begin();
    return browser;
  }

  async close() {
    await this.browser?.close();
    await this.gate?.close();
    await rm(this.profile, { recursive: true, force: true });
  }

  /** A page that has said whether it owns the store; its text says which. */
  async page() {
    const page = await this.browser.newPage();
    page.on('pageerror', (error) => assert.fail(`the page failed: ${error}`));
    await page.goto(`${this.origin}/`);
    await page.waitForFunction(() => 'ask' in globalThis);
    return page;
  }

  async raw(page, ...call) {
    const { value, failure } = await page.evaluate((it) => globalThis.ask(...it), call);
    if (failure) throw failure;
    return value;
  }

  // What a teller must bring.

  async ask(phone, call, args) {
    const found = await this.raw(this.main, camel(call), phone, ...args, ...(this.codes(phone, call) ?? []));
    return found ?? null;
  }

  setClock(ms) {
    return this.raw(this.main, 'setClock', ms);
  }

  async restart() {
    await this.#kill();
    await this.office.stop();
    const { port } = this.gate;
    await this.gate.close();
    this.gate = { port, close: async () => {} };
    await this.#begin();
  }

  async reconnect() {
    await this.office.start();
    this.gate = await gate(this.office, this.scripts, this.gate.port);
  }

  /** As a phone's system does when it needs room: without a warning. The profile names the process that holds it. */
  async #kill() {
    const [pid] = /\d+$/.exec(await readlink(join(this.profile, 'SingletonLock')));
    const gone = once(this.browser, 'close');
    process.kill(Number(pid), 'SIGKILL');
    await gone;
  }

  codes(phone, call) {
    return call === 'enrol_by_code' ? [this.office.codes[phone]] : undefined;
  }

  async #begin() {
    this.browser = await start(this.profile, { switches: [trusting(this.office.tls)] });
    this.main = await this.page();
    assert.equal(await this.main.textContent('#state'), '可以使用');
    for (const phone of ['a', 'b']) await this.raw(this.main, 'open', phone, '');
  }
}
