// What the browser keeps for the web shore beside the store: the device's key and the
// session's tokens, in IndexedDB, because a key that cannot be taken out cannot be a file.

const DATABASE = 'louan-device';
const STORE = 'kept';

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Runs one transaction and resolves when it is complete, not merely requested.
 * @template T @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} act @returns {Promise<T>}
 */
async function transact(mode, act) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: 'strict' });
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @param {string} name */
export const kept = (name) => transact('readonly', (store) => store.get(name));

/** @param {string} name @param {unknown} value */
export const keep = (name, value) => transact('readwrite', (store) => store.put(value, name));
