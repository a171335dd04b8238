// The page's end: `ask(call, ...args)` is answered by the worker or rejected with its words.

const worker = new Worker('/worker.mjs', { type: 'module' });
const waiting = new Map();
let last = 0;
let dead = null;

worker.onmessage = ({ data }) => {
  const { resolve, reject } = waiting.get(data.id);
  waiting.delete(data.id);
  if ('failure' in data) reject(new Error(data.failure));
  else resolve(data.value);
};
// A module that cannot be loaded says nothing but this, once, perhaps before anything was asked.
worker.onerror = (event) => {
  dead = new Error(`the worker died: ${event.message ?? 'one of its modules did not load'}`);
  for (const { reject } of waiting.values()) reject(dead);
};

globalThis.ask = (call, ...args) =>
  new Promise((resolve, reject) => {
    if (dead) return reject(dead);
    const id = (last += 1);
    waiting.set(id, { resolve, reject });
    return worker.postMessage({ id, call, args });
  });
