import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** One folder for everything that tests and examples write beside themselves, gone when they have ended. */
export default function setup(): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-tests-'));
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
