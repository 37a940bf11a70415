import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { root } from './packages';

/**
 * Runs a script in a Node of its own, as somebody's program would: the built packages, none of the test runner's
 * loaders. The script prints one line of JSON, its result.
 */
export function inNode<T>(script: string): T {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: process.env.HOME, NODE_NO_WARNINGS: '1' };
  const cwd = path.join(root, 'test');
  const options = { cwd, env, encoding: 'utf8', timeout: 60_000, maxBuffer: 1 << 26 } as const;
  const output = execFileSync(process.execPath, ['-e', script], options);
  return JSON.parse(output) as T;
}
