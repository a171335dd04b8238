// Failures on the web shore: the same seven kinds as everywhere, as plain objects that
// cross from the worker to the page whole. Never matched by `detail`.

/** @typedef {{kind: 'offline'|'sign_in_again'|'fix_input'|'ask_admin'|'storage_full'|'update_app'|'bug', detail: string, faults?: {pointer: string, rule: string}[]}} Failure */

/** @param {Failure['kind']} kind @param {string} detail @returns {Failure} */
export function failure(kind, detail) {
  return { kind, detail };
}

/** Whatever was thrown, as a failure. @param {unknown} thrown @returns {Failure} */
export function failureOf(thrown) {
  if (thrown && typeof thrown === 'object' && 'kind' in thrown) return /** @type {Failure} */ (thrown);
  return failure('bug', thrown instanceof Error ? `${thrown.message}\n${thrown.stack}` : String(thrown));
}
