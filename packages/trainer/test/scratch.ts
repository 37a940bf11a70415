import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** Memory where the system has a folder for it: these tests sync hundreds of files, and a busy disk takes its time. */
const place = ((): string => {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
})();

/** A folder of its own for the present test, removed afterwards. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(place, 'trainer-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
