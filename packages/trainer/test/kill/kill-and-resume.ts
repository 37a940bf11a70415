import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { linesOf, withoutTimes } from '../../../../test/support/json-lines';
import type { LogLine } from '../../../../test/support/json-lines';
import { bundleProgram } from '../child-process';
import { scratchFolder } from '../scratch';
import type { KillResult } from './killable-run';

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

/** What a run left behind. */
interface Remains {
  readonly result: KillResult;
  /** Its log, where it writes one. */
  readonly log: readonly LogLine[] | undefined;
}

/** What came of a series of kills. */
export interface KillReport {
  /** Milliseconds after its first step at which each life ended. */
  readonly kills: readonly number[];
  readonly uninterrupted: Remains;
  /** One for every run that came to its end after kills. */
  readonly resumed: readonly Remains[];
}

/** Which program is killed, and how often. */
export interface KillPlan {
  readonly backend: string;
  readonly kills: number;
  /** Milliseconds that a life lasts at most. */
  readonly longest: number;
  /** Of this folder: `child.ts`. */
  readonly program?: string;
  /** What the program is told beside backend and places. */
  readonly words?: readonly string[];
}

/** Kills training runs at random moments and resumes them until the wanted number of kills is reached, then lets go. */
export async function killAndResume(plan: KillPlan): Promise<KillReport> {
  const { backend, kills: wanted, longest, program = 'child.ts', words = [] } = plan;
  const folder = scratchFolder();
  const child = await bundleProgram(`kill/${program}`, folder);
  const place = (name: string): string => path.join(folder, name);
  const read = (name: string): Remains => ({
    result: JSON.parse(readFileSync(place(`${name}.json`), 'utf8')) as KillResult,
    log: existsSync(place(`${name}.jsonl`)) ? withoutTimes(linesOf(place(`${name}.jsonl`))) : undefined,
  });
  const liveAs = (name: string, killAfter?: number): Promise<Life> =>
    live(child, [backend, place(name), place(`${name}.json`), ...words], killAfter);
  await liveAs('whole');
  const uninterrupted = read('whole');

  const kills: number[] = [];
  const resumed: Remains[] = [];
  while (kills.length < wanted || !existsSync(place('run.json'))) {
    const life = await liveAs('run', kills.length < wanted ? Math.random() * longest : undefined);
    if (life.killedAfter !== undefined) kills.push(life.killedAfter);
    if (!life.finished) continue;
    resumed.push(read('run'));
    if (kills.length === wanted) break;
    rmSync(place('run'), { recursive: true });
    rmSync(place('run.json')); // the log stays: a run that finds no checkpoint begins it anew
  }
  return { kills, uninterrupted, resumed };
}

/** The losses that a log tells of: each step follows the one before, or the state that the run went back to. */
function lossesIn(log: readonly LogLine[]): number[] {
  const losses: number[] = [];
  for (const { type, step, to, loss } of log) {
    if (type === 'rollback') losses.length = to!;
    if (type !== 'step') continue;
    expect(step, 'a step is doubled or lost in the log').toBe(losses.length + 1);
    losses.push(loss!);
  }
  return losses;
}

/** Holds every run that came to its end to the one that was never killed: losses, parameters, ways back, end, and log. */
export function expectTheSame({ kills, uninterrupted, resumed }: KillReport): void {
  const { log: wholeLog, result: whole } = uninterrupted;
  expect(resumed.length).toBeGreaterThan(0);
  for (const { result, log } of resumed) {
    expect({ ...result, resumedFrom: 0 }, `killed after ${kills.join(', ')} ms`).toEqual(whole);
    expect(log).toEqual(wholeLog);
    if (log === undefined) continue;
    expect(lossesIn(log)).toEqual(whole.losses);
    for (const once of ['start', 'end']) expect(log.filter(({ type }) => type === once)).toHaveLength(1);
  }
}
