// The dedicated worker: owns the wasm core, its store on OPFS, the device's key.
//
// The page posts {id, call, args}; the answer is {id, value} or {id, failure}. Calls of the core run one after the
// other, as they came: it is one object. Calls that go over the network stand in a line of their own and come to the
// core for one step at a time, so that saving never waits for a network.

import init, { Louan, leaveStores } from './louan_web.js';
import { DeviceKey } from './device_key.js';
import { failure, failureOf } from './failure.js';
import { letter } from './lettering.js';
import { Office } from './office.js';
import { Owner } from './owner.js';

/** Round trips after which a phone that is never quiet is a bug. */
const TRIPS_MAX = 1_000;
/** Most requests of one call, and how often one does something again; the same as the native driver's. */
const ERRANDS_MAX = 4_000;
const AGAIN_MAX = 16;

/** @type {Map<string, {louan: Louan, key: DeviceKey, office: Office}>} */
const phones = new Map();
const owner = new Owner();
/** Where a story has stopped the clock; null while it runs. */
let stopped = null;

const host = {
  nowMs: () => stopped ?? Date.now(),
  random: (count) => crypto.getRandomValues(new Uint8Array(count)),
  letter,
};

/** A line: acts run one after the other, whatever became of those before. */
function line() {
  let last = Promise.resolve();
  return (act) => {
    const done = last.then(act);
    last = done.catch(() => {});
    return done;
  };
}

const atCore = line();
const overNetwork = line();

/** Closes everything before the lock goes, so that whoever gets it finds the files free. */
function close() {
  return atCore(async () => {
    for (const { louan } of phones.values()) louan.free();
    if (phones.size > 0) await leaveStores();
    phones.clear();
    self.postMessage({ event: 'elsewhere' });
  });
}

function phone(name) {
  const found = phones.get(name);
  if (!found) throw failure('bug', `the store ${name} is not open`);
  return found;
}

/** One step of the core. @template T @param {string} name @param {(louan: Louan) => T} act @returns {Promise<T>} */
const step = (name, act) => atCore(() => act(phone(name).louan));

async function synced(name) {
  const { key, office } = await atCore(() => phone(name));
  const sums = { accepted: 0, held: 0, returned: 0, received: 0 };
  for (let trip = 0; trip < TRIPS_MAX; trip += 1) {
    const signatures = [];
    for (const digest of await step(name, (louan) => louan.prepare())) signatures.push(await key.sign(digest));
    const body = await step(name, (louan) => louan.seal(signatures));
    const reply = await office.sync(body).catch(async (thrown) => {
      await step(name, (louan) => louan.lost());
      throw thrown;
    });
    const absorbed = await step(name, (louan) => louan.absorb(reply));
    for (const sum of Object.keys(sums)) sums[sum] += absorbed[sum];
    if (!absorbed.more) return { ...absorbed, ...sums };
  }
  throw failure('bug', 'the phone never came to rest');
}

/** The file of what was not sent, as one Blob. */
async function unsentFile(name) {
  const { key } = await atCore(() => phone(name));
  const parts = [await step(name, (louan) => louan.beginUnsent())];
  for (;;) {
    const digests = await step(name, (louan) => louan.prepareUnsent());
    if (!digests) return new Blob(parts, { type: 'application/octet-stream' });
    const signatures = [];
    for (const digest of digests) signatures.push(await key.sign(digest));
    // A Blob keeps what it is given outside the page's memory.
    parts.push(new Blob([await step(name, (louan) => louan.sealUnsent(signatures))]));
  }
}

/** Sends photos until all that may go now is at the office or it takes no more; how many it has now and how many it refused. */
async function photosSent(name, unmetered) {
  const { office } = await atCore(() => phone(name));
  const sent = { confirmed: 0, refused: 0 };
  const stopped = await sentOneByOne(name, office, sent, unmetered).then(
    () => null,
    (thrown) => ({ thrown }),
  );
  // Whatever the link or the office stopped: room that may be given back is given back.
  const freed = step(name, (louan) => louan.freePhotos());
  if (stopped) {
    // What stopped the sending says more than what may come of it.
    await freed.catch(() => {});
    throw stopped.thrown;
  }
  await freed;
  return sent;
}

/** One request after the other, until nothing is left or something stops it. */
async function sentOneByOne(name, office, sent, unmetered) {
  let again = 0;
  let later = false;
  for (let count = 0; count < ERRANDS_MAX; count += 1) {
    const errand = await step(name, (louan) => louan.nextPhoto(unmetered));
    if (!errand) break;
    const answer = await office.photo(errand).catch(async (thrown) => {
      await step(name, (louan) => louan.photoLost());
      throw thrown;
    });
    const came = await step(name, (louan) => louan.photoAnswered(answer));
    if (came in sent) sent[came] += 1;
    if (came === 'again' && (again += 1) > AGAIN_MAX) {
      throw failure('offline', 'what is sent does not arrive as it was');
    }
    later ||= came === 'later';
  }
  if (later) throw failure('offline', 'the office takes no more photos just now; the rest go with the next call');
}

/** What goes over the network. */
const networkCalls = {
  async enrolByCode(name, code) {
    const { office } = await atCore(() => phone(name));
    const reply = await office.enrol(code);
    return step(name, (louan) => louan.enrol(reply));
  },
  sync: synced,
  sendPhotos: photosSent,
};

/** What the worker does itself; everything else is a method of the core. */
const ownCalls = {
  take: () => owner.take(close),
  takeOver: () => owner.takeOver(close),
  setClock: (nowMs) => void (stopped = nowMs),
  async open(name, base) {
    if (!owner.owns) throw failure('bug', 'another page owns the store; take it first');
    await init();
    const louan = await Louan.open(name, host);
    const key = await DeviceKey.of(name);
    phones.set(name, { louan, key, office: new Office(base, name, key) });
  },
};

function called(call, args) {
  // Waits for no request that hangs: it is made when there is no network to speak of.
  if (call === 'unsentFile') return unsentFile(...args);
  if (call in networkCalls) return overNetwork(() => networkCalls[call](...args));
  const [name, ...rest] = args;
  return atCore(() => (call in ownCalls ? ownCalls[call](...args) : phone(name).louan[call](...rest)));
}

self.onmessage = async ({ data: { id, call, args } }) => {
  try {
    self.postMessage({ id, value: await called(call, args) });
  } catch (thrown) {
    self.postMessage({ id, failure: failureOf(thrown) });
  }
};
