// A bare page around the worker, for the story only: it takes the store, says so, and passes calls on.

import { Client } from './client.js';

const ELSEWHERE = '已在另一页面打开';
const state = document.querySelector('#state');
const show = (text) => {
  state.textContent = text;
};

// Keeps the page and the core for when there is no server at all.
await navigator.serviceWorker.register('./sw.js');
await navigator.serviceWorker.ready;

const client = new Client(() => show(ELSEWHERE));
show((await client.call('take')) ? '可以使用' : ELSEWHERE);

// Bytes go between a test and its page as text.
const taken = (arg) =>
  typeof arg?.base64 === 'string' ? Uint8Array.from(atob(arg.base64), (letter) => letter.charCodeAt(0)) : arg;
const given = (value) =>
  value instanceof Uint8Array ? { base64: btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join('')) } : value;

globalThis.ask = async (...call) => {
  try {
    return { value: given(await client.call(...call.map(taken))) };
  } catch (failure) {
    return { failure };
  }
};
globalThis.takeOver = async () => {
  await client.call('takeOver');
  show('可以使用');
};
