// The dedicated worker: owns the wasm core, its store on OPFS, the device's key.
//
// The page posts {id, call, args}; the answer is {id, value} or {id, failure}. Calls run
// one after the other, as they came: the core is one object.

import init, { Louan, leaveStores } from './louan_web.js';
import { DeviceKey } from './device_key.js';
import { failure, failureOf } from './failure.js';
import { Office } from './office.js';
import { Owner } from './owner.js';

/** Round trips after which a phone that is never quiet is a bug. */
const TRIPS_MAX = 1_000;

/** @type {Map<string, {louan: Louan, key: DeviceKey, office: Office}>} */
const phones = new Map();
const owner = new Owner();
let offset = 0;

const host = {
  nowMs: () => Date.now() + offset,
  random: (count) => crypto.getRandomValues(new Uint8Array(count)),
};

/** Closes everything before the lock goes, so that whoever gets it finds the files free. */
async function close() {
  await last;
  for (const { louan } of phones.values()) louan.free();
  if (phones.size > 0) await leaveStores();
  phones.clear();
  self.postMessage({ event: 'elsewhere' });
}

function phone(name) {
  const found = phones.get(name);
  if (!found) throw failure('bug', `the store ${name} is not open`);
  return found;
}

async function carried(louan, office, body) {
  try {
    return await office.sync(body);
  } catch (thrown) {
    louan.lost();
    throw thrown;
  }
}

async function synced({ louan, key, office }) {
  const sums = { accepted: 0, held: 0, returned: 0, received: 0 };
  for (let trip = 0; trip < TRIPS_MAX; trip += 1) {
    const signatures = [];
    for (const digest of louan.prepare()) signatures.push(await key.sign(digest));
    const absorbed = louan.absorb(await carried(louan, office, louan.seal(signatures)));
    for (const name of Object.keys(sums)) sums[name] += absorbed[name];
    if (!absorbed.more) return { ...absorbed, ...sums };
  }
  throw failure('bug', 'the phone never came to rest');
}

/** What the worker does itself; everything else is a method of the core. */
const calls = {
  take: () => owner.take(close),
  takeOver: () => owner.takeOver(close),
  setClock: (nowMs) => void (offset = nowMs - Date.now()),
  async open(name, base) {
    if (!owner.owns) throw failure('bug', 'another page owns the store; take it first');
    await init();
    const louan = await Louan.open(name, host);
    const key = await DeviceKey.of(name);
    phones.set(name, { louan, key, office: new Office(base, name, key) });
  },
  async enrolByCode(name, code) {
    const { louan, office } = phone(name);
    return louan.enrol(await office.enrol(code));
  },
  sync: (name) => synced(phone(name)),
};

async function answered({ id, call, args }) {
  try {
    const [name, ...rest] = args;
    const value = await (calls[call] ? calls[call](...args) : phone(name).louan[call](...rest));
    self.postMessage({ id, value });
  } catch (thrown) {
    self.postMessage({ id, failure: failureOf(thrown) });
  }
}

let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(() => answered(data));
};
