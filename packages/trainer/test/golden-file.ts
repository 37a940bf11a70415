import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Reads golden.json of one folder of test/golden. */
export const goldenFile = <T>(name: string): T =>
  JSON.parse(readFileSync(path.resolve('test/golden', name, 'golden.json'), 'utf8')) as T;
