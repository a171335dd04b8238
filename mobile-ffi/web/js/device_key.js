// The device's key: ECDSA P-256, made by the browser, not extractable by anyone.
//
// WebCrypto hashes what it signs; what is handed to it is the digest, as the message.

import { keep, kept } from './keep.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' };

/** Without padding. @param {Uint8Array} bytes */
export const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

export class DeviceKey {
  /** @param {CryptoKeyPair} pair */
  constructor(pair) {
    this.pair = pair;
  }

  /** The key kept under a name; made and kept on first use. @param {string} name */
  static async of(name) {
    const slot = `key/${name}`;
    let pair = await kept(slot);
    if (!pair) {
      pair = await crypto.subtle.generateKey(ALGORITHM, false, ['sign']);
      await keep(slot, pair);
    }
    return new DeviceKey(pair);
  }

  /** SEC1, uncompressed, base64url without padding: what the office is told. */
  async publicKey() {
    return base64url(new Uint8Array(await crypto.subtle.exportKey('raw', this.pair.publicKey)));
  }

  /** r‖s, 64 bytes. @param {Uint8Array} digest */
  async sign(digest) {
    return new Uint8Array(await crypto.subtle.sign(SIGNING, this.pair.privateKey, digest));
  }
}
