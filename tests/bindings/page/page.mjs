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

globalThis.ask = async (...call) => {
  try {
    return { value: await client.call(...call) };
  } catch (failure) {
    return { failure };
  }
};
globalThis.takeOver = async () => {
  await client.call('takeOver');
  show('可以使用');
};
