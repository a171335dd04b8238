// Workbooks as LibreOffice reads them, which knows nothing of this project.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const SHEET = fileURLToPath(new URL('sheet.py', import.meta.url));
const run = promisify(execFile);

/** Files as LibreOffice writes them in another format; it gets a home of its own below `folder`. */
export async function converted(folder, paths, kind, to) {
  const home = pathToFileURL(join(folder, 'libreoffice'));
  await run('soffice', [`-env:UserInstallation=${home}`, '--headless', '--convert-to', kind, '--outdir', to, ...paths]);
}

/** What stands in a file of LibreOffice's own: rows of text, and how much in it would act. */
export async function told(path) {
  return JSON.parse((await run('python3', [SHEET, path], { maxBuffer: 64 << 20 })).stdout);
}

/** A workbook as LibreOffice reads it. */
export async function opened(folder, name, bytes) {
  const path = join(folder, `${name}.xlsx`);
  await writeFile(path, bytes);
  await converted(folder, [path], 'fods', folder);
  return told(join(folder, `${name}.fods`));
}
