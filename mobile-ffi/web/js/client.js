// The page's end of the worker: every call is a promise; a failure is thrown as it is.

export class Client {
  /** @param {() => void} elsewhere called when another page took the store over */
  constructor(elsewhere) {
    this.waiting = new Map();
    this.count = 0;
    this.worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.worker.onmessage = ({ data }) => {
      if (data.event === 'elsewhere') return elsewhere();
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      return data.failure ? reject(data.failure) : resolve(data.value);
    };
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject({ kind: 'bug', detail: event.message });
      this.waiting.clear();
    };
  }

  /** @param {string} call @param {...unknown} args */
  call(call, ...args) {
    const id = (this.count += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, call, args });
    });
  }
}
