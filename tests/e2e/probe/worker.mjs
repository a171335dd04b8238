// The worker's end: owns the compiled core. SQLite on OPFS is to be had in a worker only.

import init, * as core from '/louan_wasm_probe.js';

const ready = init();
let shelf;

const calls = {
  open: async (file) => {
    shelf = await core.Shelf.open(file);
    return core.sqlite_version();
  },
  put: (name, text) => shelf.put(name, text),
  find: (name) => shelf.find(name) ?? null,
  firstBookChange: () => Array.from(core.first_book_change()),
  countRecords: (book) => core.count_records(Uint8Array.from(book)),
  squeeze: (bytes) => Array.from(core.squeeze(Uint8Array.from(bytes))),
  unsqueeze: (bytes) => Array.from(core.unsqueeze(Uint8Array.from(bytes))),
};

self.onmessage = async ({ data: { id, call, args } }) => {
  try {
    await ready;
    self.postMessage({ id, value: await calls[call](...args) });
  } catch (error) {
    self.postMessage({ id, failure: String(error) });
  }
};
