// The Debian package as dpkg, the program itself and systemd see it, built from the executable of the tests: what is in it, who
// may do what with it, whether it starts from where it was unpacked, and what its unit lets it do. Build first: `make outside`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { LOUAN } from '../bindings/office.mjs';

const near = (name) => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);
const UNIT = 'usr/lib/systemd/system/louan.service';
/** What systemd reckons an attacker in the service could still do, in tenths; each protection that goes adds to it. */
const EXPOSURE_MAX = 15;

/** Everything in the package, by its mode. */
const WANTED = {
  'drwxr-xr-x': [
    './', './etc/', './etc/louan/', './usr/', './usr/bin/', './usr/lib/', './usr/lib/systemd/', './usr/lib/systemd/system/', './usr/share/',
    './usr/share/doc/', './usr/share/doc/louan/',
  ],
  '-rwxr-xr-x': ['./usr/bin/louan'],
  '-rw-r--r--': [
    './etc/louan/config.toml', `./${UNIT}`,
    ...[...readdirSync(near('../../server/docs')), 'changelog.gz', 'copyright'].map((name) => `./usr/share/doc/louan/${name}`).sort(),
  ],
};

let folder;
let file;
let root;
let version;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'louan-package-'));
  file = await built('first');
  root = join(folder, 'root');
  await run('dpkg-deb', ['-x', file, root]);
  const manifest = await readFile(near('../../Cargo.toml'), 'utf8');
  [, version] = /^\[workspace\.package\]\nversion = "([^"]+)"/m.exec(manifest);
});

after(() => rm(folder, { recursive: true, force: true }));

/** Builds it in a folder of its own; its path. */
async function built(name) {
  const env = { ...process.env, CARGO_TARGET_DIR: join(folder, name) };
  return (await run(near('../../server/packaging/deb.sh'), [LOUAN], { env })).stdout.trim();
}

const systemd = () => run('systemd-analyze', ['--version']).then(() => true, () => false);

/** What systemd says about the unit in a system that has nothing but its own units and this one. */
async function verified(system) {
  const { stderr } = await run('systemd-analyze', ['verify', '--man=no', `--root=${system}`, 'louan.service']);
  return stderr;
}

/** How far the service is exposed, in tenths. */
async function exposure(system) {
  const words = ['security', '--offline=yes', '--no-pager', `--root=${system}`, 'louan.service'];
  const { stdout } = await run('systemd-analyze', words, { maxBuffer: 16 << 20 });
  return Math.round(10 * Number(/Overall exposure level for louan\.service: ([\d.]+)/.exec(stdout)[1]));
}

test('it says what it is and needs, and nothing in it can be changed by anybody but root', { timeout: 120_000 }, async () => {
  const field = async (name) => (await run('dpkg-deb', ['-f', file, name])).stdout.trim();
  const architecture = (await run('dpkg', ['--print-architecture'])).stdout.trim();
  assert.deepEqual(await Promise.all(['Package', 'Version', 'Architecture'].map(field)), ['louan', version, architecture]);
  assert.match(await field('Depends'), /^libc6 \(>= \d+\.\d+\), libgcc-s1, passwd$/);
  for (const name of ['Maintainer', 'Section', 'Priority', 'Description']) assert.ok(await field(name), name);
  const listed = (await run('dpkg-deb', ['-c', file])).stdout.trim().split('\n').map((line) => line.split(/\s+/));
  const found = {};
  for (const [mode, owner, , , , path] of listed) {
    assert.equal(owner, 'root/root', path);
    (found[mode] ??= []).push(path);
  }
  for (const paths of Object.values(found)) paths.sort();
  assert.deepEqual(found, WANTED);
  assert.equal((await run('dpkg-deb', ['-I', file, 'conffiles'])).stdout, '/etc/louan/config.toml\n', 'an upgrade asks before it goes over what somebody set');
  assert.match(await field('Installed-Size'), /^\d{4,6}$/);
});

test('its sums are those of its files, and its scripts are scripts', { timeout: 60_000 }, async () => {
  const control = join(folder, 'control');
  await run('dpkg-deb', ['-e', file, control]);
  const sums = await run('md5sum', ['-c', join(control, 'md5sums')], { cwd: root });
  assert.equal(sums.stdout.match(/: OK$/gm).length, WANTED['-rwxr-xr-x'].length + WANTED['-rw-r--r--'].length);
  for (const script of ['postinst', 'prerm', 'postrm']) await run('sh', ['-n', join(control, script)]);
});

test('the same commit gives the same package', { timeout: 120_000 }, async () => {
  assert.deepEqual(await readFile(await built('second')), await readFile(file));
});

test('the program starts from where it was unpacked, and knows its configuration', { timeout: 60_000 }, async () => {
  const program = join(root, 'usr/bin/louan');
  assert.equal((await run(program, ['--version'])).stdout.trim(), `louan ${version}`);
  const { stdout } = await run(program, ['--config', join(root, 'etc/louan/config.toml'), 'config', 'show'], { env: {} });
  for (const said of ['"0.0.0.0:8443"', '"/var/lib/louan/louan.sqlite"', '"/etc/louan/tls/server.pem"']) assert.ok(stdout.includes(said), `${said} in ${stdout}`);
});

test('systemd understands every line of its unit and reckons that little can be done from it', { timeout: 60_000 }, async (t) => {
  if (!(await systemd())) return t.skip('skipped: there is no systemd-analyze here');
  const system = join(folder, 'system');
  // The units of the machine, and the one program of it that ours names.
  await cp('/usr/lib/systemd/system', join(system, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
  await mkdir(join(system, 'bin'));
  await cp('/bin/kill', join(system, 'bin/kill'), { dereference: true });
  await cp(root, system, { recursive: true });
  assert.equal(await verified(system), '');
  const exposed = await exposure(system);
  assert.ok(exposed <= EXPOSURE_MAX, `${exposed / 10}`);
  // The checks see what is wrong.
  const unit = await readFile(join(root, UNIT), 'utf8');
  for (const [line, worse] of [['ProtectHome=yes', 'ProtectHom=yes'], ['CapabilityBoundingSet=\n', '\n'], ['PrivateDevices=yes', '']]) {
    assert.ok(unit.includes(line), line);
    await writeFile(join(system, UNIT), unit.replace(line, worse));
    assert.ok((await exposure(system)) > exposed, `without ${line}`);
    if (worse.includes('=')) assert.match(await verified(system), /Unknown key/);
  }
  return undefined;
});
