// The machine's own Chromium, driven by playwright-core, which brings no browser.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const LOOK = fileURLToPath(new URL('../setup/look.sh', import.meta.url));
// Nothing but the page under test may ask for anything; a container has no room in /dev/shm.
const SWITCHES = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
];

/** The Chromium that `make setup` found or installed. */
function executable() {
  const found = execFileSync('bash', ['-c', '. "$0"; find_chromium', LOOK], { encoding: 'utf8' }).trim();
  if (!found) throw new Error('there is no Chromium; run: make setup');
  return found;
}

/**
 * Starts a browser whose data lie in `profile`: started twice on one folder, it is the same browser twice.
 * @param {string} profile an absolute path
 * @param {{switches?: string[]}} more more of the command line, and options of playwright's own
 */
export function start(profile, { switches = [], ...more } = {}) {
  return chromium.launchPersistentContext(profile, {
    executablePath: executable(),
    headless: true,
    args: [...SWITCHES, ...switches],
    // Chromium refuses its sandbox to root, as in a container.
    chromiumSandbox: process.getuid() !== 0,
    ...more,
  });
}
