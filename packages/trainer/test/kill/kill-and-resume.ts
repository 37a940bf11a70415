import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundleProgram } from '../child-process';
import { scratchFolder } from '../scratch';
import type { KillResult } from './child';

const root = path.resolve('.');

interface Life {
  /** Milliseconds between the first step and the kill; undefined when the run was left to end. */
  readonly killedAfter: number | undefined;
  readonly finished: boolean;
  readonly errors: string;
}

/** Runs the child; kills it a given time after its first step, unless it ends before. */
function live(child: string, args: readonly string[], killedAfter?: number): Promise<Life> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [child, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    running.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    running.stdout.once('data', () => {
      if (killedAfter !== undefined) setTimeout(() => running.kill('SIGKILL'), killedAfter);
    });
    running.stdout.resume();
    running.once('error', reject);
    running.once('exit', (code, signal) => {
      if (signal === 'SIGKILL' && killedAfter !== undefined) resolve({ killedAfter, finished: false, errors });
      else if (code === 0) resolve({ killedAfter: undefined, finished: true, errors });
      else reject(new Error(`the run failed (${String(code ?? signal)}): ${errors}`));
    });
  });
}

/** What came of a series of kills. */
export interface KillReport {
  readonly kills: readonly number[];
  readonly uninterrupted: KillResult;
  /** One for every run that came to its end after kills. */
  readonly resumed: readonly KillResult[];
}

/** Kills training runs at random moments and resumes them until the wanted number of kills is reached, then lets go. */
export async function killAndResume(
  backend: string,
  wanted: number,
  longest: number,
  program = 'kill/child.ts',
  more: readonly string[] = [],
): Promise<KillReport> {
  const folder = scratchFolder();
  const child = await bundleProgram(program, folder);
  const read = (name: string): KillResult => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as KillResult;
  await live(child, [backend, path.join(folder, 'whole'), path.join(folder, 'whole.json'), ...more]);
  const uninterrupted = read('whole.json');

  const kills: number[] = [];
  const resumed: KillResult[] = [];
  const run = path.join(folder, 'run');
  const result = path.join(folder, 'run.json');
  while (kills.length < wanted || !existsSync(result)) {
    const killAfter = kills.length < wanted ? Math.random() * longest : undefined;
    const life = await live(child, [backend, run, result, ...more], killAfter);
    if (life.killedAfter !== undefined) kills.push(life.killedAfter);
    if (!life.finished) continue;
    resumed.push(read('run.json'));
    if (kills.length === wanted) break;
    rmSync(run, { recursive: true });
    rmSync(result);
  }
  return { kills, uninterrupted, resumed };
}
