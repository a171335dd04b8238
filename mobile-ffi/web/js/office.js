// The office over HTTPS: fetch, and what its answers mean for the next action.
//
// Knows bytes and tokens, nothing of what is in them.

import { base64url } from './device_key.js';
import { failure } from './failure.js';
import { keep, kept } from './keep.js';

const MEDIA_TYPE = 'application/vnd.louan.sync1';
const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';

/** Longest request, as long as the native driver's: one that hangs must not hold up everything behind it. */
const LONGEST_MS = 180_000;

/** What to do next about a refusal, by its code; the same table as the native driver's. */
const MEANINGS = {
  sign_in_again: ['sign_in_again', 'bad_credentials'],
  update_app: ['update_app'],
  ask_admin: ['not_permitted', 'not_found', 'code_unknown', 'code_spent'],
  bug: ['malformed', 'invalid', 'method_not_allowed', 'length_required', 'unsupported_media_type'],
};

/** Too often, too slow, too much at once: whatever is not in the table passes. */
const meaning = (code) => Object.keys(MEANINGS).find((kind) => MEANINGS[kind].includes(code)) ?? 'offline';

const typeOf = (response) => (response.headers.get('content-type') ?? '').split(';')[0].trim();

/** Posts a body; the answer must be of the same media type, or it is not the office that answered. */
async function post(url, type, body, headers = {}) {
  let response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': type, ...headers },
      body,
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(LONGEST_MS),
    });
  } catch (error) {
    throw failure('offline', `${url}: ${error}`);
  }
  if (response.ok && typeOf(response) === type) return response;
  const problem = typeOf(response) === PROBLEM_TYPE ? await response.json().catch(() => ({})) : {};
  throw failure(meaning(problem.code), `${url}: ${response.status} ${problem.code ?? typeOf(response)}`);
}

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

const utf8 = (text) => new TextEncoder().encode(text);

const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer()));

/** What the device signs to exchange a refresh token, so that a stolen one is worth nothing. */
const proofMessage = (token) => sha256(utf8('louan/refresh/1\0'), bytesOf(token));

/** What it signs for any other request, so that a stolen access token is worth nothing either. */
const requestMessage = async (method, path, body, token, nonce) =>
  sha256(utf8(`louan/request/1\0${method}\n${path}\n${token}\n`), nonce, await sha256(body));

const json = (url, value) => post(url, JSON_TYPE, JSON.stringify(value));

export class Office {
  /**
   * @param {string} base URL of the office, empty for the page's own @param {string} name of the session
   * @param {import('./device_key.js').DeviceKey} key
   */
  constructor(base, name, key) {
    this.base = base;
    this.slot = `session/${name}`;
    this.key = key;
  }

  /** Redeems an enrolment code. @returns {Promise<string>} the reply, for the core */
  async enrol(code) {
    const publicKey = await this.key.publicKey();
    const response = await json(`${this.base}/api/v1/enrol`, { code, public_key: publicKey });
    const text = await response.text();
    await this.#keepTokens(JSON.parse(text));
    return text;
  }

  /** Carries one request and brings the reply. @param {Uint8Array} body */
  async sync(body) {
    const tokens = await kept(this.slot);
    if (!tokens) throw failure('sign_in_again', 'no session is kept');
    try {
      return await this.#carry(tokens, body);
    } catch (thrown) {
      if (thrown.kind !== 'sign_in_again') throw thrown;
    }
    return this.#carry(await this.#refreshed(tokens.refresh_token), body);
  }

  /**
   * Carries one request about a photo and brings the answer, whatever it is.
   * @param {{method: string, path: string, headers: [string, string][], body: Uint8Array}} errand
   */
  async photo(errand) {
    const tokens = await kept(this.slot);
    if (!tokens) throw failure('sign_in_again', 'no session is kept');
    const answer = await this.#asked(errand, tokens);
    return answer.status === 401 ? this.#asked(errand, await this.#refreshed(tokens.refresh_token)) : answer;
  }

  async #asked({ method, path, headers, body }, tokens) {
    const url = `${this.base}${path}`;
    const known = await this.#known(method, path, body, tokens);
    try {
      const response = await fetch(url, {
        method,
        headers: { ...Object.fromEntries(headers), ...known },
        body: method === 'HEAD' ? undefined : body,
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.timeout(LONGEST_MS),
      });
      const number = (name) => (response.headers.has(name) ? Number(response.headers.get(name)) : null);
      return {
        status: response.status,
        location: response.headers.get('location'),
        upload_offset: number('upload-offset'),
        position: number('louan-position'),
        body: typeOf(response) === PROBLEM_TYPE ? await response.text() : '',
      };
    } catch (error) {
      throw failure('offline', `${url}: ${error}`);
    }
  }

  async #refreshed(token) {
    const signature = base64url(await this.key.sign(await proofMessage(token)));
    const url = `${this.base}/api/v1/session/refresh`;
    const response = await json(url, { refresh_token: token, signature });
    return this.#keepTokens(await response.json());
  }

  async #carry(tokens, body) {
    const path = '/api/v1/sync';
    const known = await this.#known('POST', path, body, tokens);
    const response = await post(`${this.base}${path}`, MEDIA_TYPE, body, known);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** The headers by which the office knows who asks: the token, and the key's word that the request is its own. */
  async #known(method, path, body, { access_token: token }) {
    const nonce = crypto.getRandomValues(new Uint8Array(16));
    const signature = await this.key.sign(await requestMessage(method, path, body, token, nonce));
    return { Authorization: `Bearer ${token}`, 'Louan-Proof': `${base64url(nonce)}.${base64url(signature)}` };
  }

  /** Kept before it is used: a lost refresh token is a lost session. */
  async #keepTokens({ access_token, refresh_token }) {
    const tokens = { access_token, refresh_token };
    await keep(this.slot, tokens);
    return tokens;
  }
}
