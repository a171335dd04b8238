// What phones of different offices found, made comparable: every office mints ids of its own, so an id becomes the
// number of its first appearance. Everything else stays as it was found.

const ID = /^[0-9A-Z]{26}$/;

/** The same with its ids numbered, fields in the order of their names. */
export function named(found) {
  const ids = new Map();
  const of = (value) => {
    if (typeof value === 'string' && ID.test(value)) {
      if (!ids.has(value)) ids.set(value, `id ${ids.size + 1}`);
      return ids.get(value);
    }
    if (Array.isArray(value)) return value.map(of);
    if (value && typeof value === 'object') {
      return Object.fromEntries(Object.keys(value).sort().map((name) => [name, of(value[name])]));
    }
    return value;
  };
  return of(found);
}
