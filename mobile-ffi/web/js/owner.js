// One page owns the store. The lock is the browser's: it falls when the page or its worker
// dies, so nothing has to be tidied up after a crash. There is no second way in.
//
// A page that comes second shows 已在另一页面打开, and may ask the owner to give way.

const LOCK = 'louan-store';
const CHANNEL = 'louan-owner';

export class Owner {
  constructor() {
    this.channel = new BroadcastChannel(CHANNEL);
    this.release = null;
  }

  /**
   * Takes the lock if nobody has it. @param {() => Promise<void>} giveWay closes the store when another page asks
   * @returns {Promise<boolean>} whether this page is the owner now
   */
  take(giveWay) {
    return this.#request({ ifAvailable: true }, giveWay);
  }

  /** Asks the owner to give way and takes the lock once it has. @param {() => Promise<void>} giveWay */
  takeOver(giveWay) {
    const granted = this.#request({}, giveWay);
    this.channel.postMessage('give way');
    return granted;
  }

  get owns() {
    return this.release !== null;
  }

  /** Gives the lock back; the store must be closed by now. */
  leave() {
    this.channel.onmessage = null;
    this.release?.();
    this.release = null;
  }

  #request(options, giveWay) {
    return new Promise((resolve, reject) => {
      const held = navigator.locks.request(LOCK, options, (lock) => {
        if (!lock) return resolve(false);
        this.channel.onmessage = async () => {
          try {
            await giveWay();
          } finally {
            this.leave();
          }
        };
        return new Promise((release) => {
          this.release = release;
          resolve(true);
        });
      });
      held.catch(reject);
    });
  }
}
