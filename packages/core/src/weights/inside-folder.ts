import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { tesseraeError } from '@tesserae/registry';
import { readError } from './file-errors';

const inside = (folder: string, file: string): boolean => {
  const relative = path.relative(folder, file);
  return relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
};

/**
 * Checks that a file of a folder, links followed, lies in that folder, or among the `blobs` of the Hugging Face cache whose
 * snapshot the folder is. What is read from a folder that came from elsewhere goes out again when a model is saved, and
 * must not be some other file of this machine.
 *
 * @param folder the folder
 * @param name a plain path inside it, as `checkRelativePath` gives it
 * @throws E_PATH_ESCAPE when a link leads outside; E_NOT_FOUND when there is no such file
 * @example
 * ```ts
 * import { mkdtempSync, symlinkSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { checkInsideFolder } from '@tesserae/core';
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * symlinkSync(tmpdir(), path.join(folder, 'model.safetensors'));
 * console.log(await checkInsideFolder(folder, 'model.safetensors').catch((error) => error.code)); // → E_PATH_ESCAPE
 * ```
 */
export async function checkInsideFolder(folder: string, name: string): Promise<void> {
  const resolve = (file: string): Promise<string> =>
    realpath(file).catch((error: unknown) => {
      throw readError(error, file);
    });
  const [root, target] = [await resolve(folder), await resolve(path.join(folder, name))];
  const isSnapshot = path.basename(path.dirname(root)) === 'snapshots';
  if (inside(root, target) || (isSnapshot && inside(path.join(root, '..', '..', 'blobs'), target))) return;
  throw tesseraeError({
    package: 'core',
    code: 'E_PATH_ESCAPE',
    message: `${path.join(folder, name)} is a link to ${target}, outside of its folder`,
    fix: 'put the file itself there if it belongs to the model; do not trust where the folder came from',
  });
}
