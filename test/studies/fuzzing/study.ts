import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createProgress, table } from '@tesserae/display';
import type { Study, StudyResult } from '../study';
import type { Told } from './child';

/** A hundred thousand files. */
const counts: Readonly<Record<string, number>> = {
  safetensors: 40_000,
  config: 25_000,
  tokenizer: 25_000,
  index: 5_000,
  llama2c: 5_000,
};
/** Longer than this a file may not take. */
const LIMIT_MILLISECONDS = 10_000;
/** The child's heap; whoever needs more crashes. */
const HEAP_MEGABYTES = 512;

interface Tally {
  readonly outcomes: Map<string, number>;
  readonly wrong: string[];
  slowestMilliseconds: number;
  slowest: string;
  peakBytes: number;
  crashes: number;
  hangs: number;
}

/** One child from a seed on. @returns the seed to go on from: behind the one that ended the child, or the last */
function watch(name: string, from: number, to: number, tally: Tally, done: () => void): Promise<number> {
  return new Promise((resolve) => {
    const execArgv = ['--import', 'tsx', `--max-old-space-size=${HEAP_MEGABYTES}`];
    const child = fork(path.join(__dirname, 'child.ts'), [name, String(from), String(to)], {
      execArgv,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let next = from;
    let hung = false;
    let said = '';
    child.stderr!.on('data', (piece: Buffer) => void (said = (said + piece.toString()).slice(-2000)));
    const expire = (): void => {
      hung = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(expire, 60_000); // it compiles first
    child.on('message', (message: Told | { peakBytes: number }) => {
      clearTimeout(timer);
      timer = setTimeout(expire, LIMIT_MILLISECONDS);
      if ('peakBytes' in message) return void (tally.peakBytes = Math.max(tally.peakBytes, message.peakBytes));
      const kind = message.outcome.replace(/:.*/s, '');
      tally.outcomes.set(kind, (tally.outcomes.get(kind) ?? 0) + 1);
      if (/^(uncoded|broken)/.test(message.outcome)) tally.wrong.push(`${name} ${message.seed}: ${message.outcome}`);
      if (message.milliseconds > tally.slowestMilliseconds) {
        tally.slowestMilliseconds = message.milliseconds;
        tally.slowest = `${name} ${message.seed}`;
      }
      next = message.seed + 1;
      done();
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(to);
      if (hung) tally.hangs++;
      else tally.crashes++;
      tally.wrong.push(`${name} ${next}: ${hung ? 'hangs' : `ends the process (${code ?? signal}) ${said}`}`);
      resolve(next + 1);
    });
  });
}

/**
 * Do a hundred thousand mutated files (safetensors, config.json, tokenizer.json, shard indexes, llama2.c checkpoints) load
 * or get refused with a code: no crash, no hang, no memory beyond bounds, no error without a code?
 */
export const fuzzing: Study = async ({ folder, say, seed = 1 }): Promise<StudyResult> => {
  const figures: Record<string, number> = {};
  const all: Tally = {
    outcomes: new Map(),
    wrong: [],
    slowestMilliseconds: 0,
    slowest: 'none',
    peakBytes: 0,
    crashes: 0,
    hangs: 0,
  };
  const total = Object.values(counts).reduce((a, b) => a + b, 0);
  const progress = createProgress({ total, label: 'fuzzing', unit: 'file' });
  let files = 0;
  for (const [name, count] of Object.entries(counts)) {
    const first = seed * 1_000_000;
    for (let next = first; next < first + count;)
      next = await watch(name, next, first + count, all, () => progress.update(++files, { kind: name }));
  }
  progress.end();
  const loaded = all.outcomes.get('loaded') ?? 0;
  say(table([...all.outcomes].sort((a, b) => b[1] - a[1]).map(([outcome, count]) => ({ outcome, count }))).text);
  say(`the slowest: ${all.slowest}`);
  for (const line of all.wrong.slice(0, 20)) say(line.slice(0, 500));
  const file = path.join(folder, 'wrong.txt');
  writeFileSync(file, all.wrong.map((line) => `${line.slice(0, 2000)}\n`).join(''));
  Object.assign(figures, {
    files,
    loaded,
    refusedWithCode: files - loaded - (all.outcomes.get('uncoded') ?? 0) - (all.outcomes.get('broken') ?? 0),
    withoutCode: (all.outcomes.get('uncoded') ?? 0) + (all.outcomes.get('broken') ?? 0),
    crashes: all.crashes,
    hangs: all.hangs,
    slowestMilliseconds: all.slowestMilliseconds,
    peakMebibytes: all.peakBytes / 2 ** 20,
  });
  const none = { atMost: 0 };
  const wanted = {
    files: { atLeast: total },
    withoutCode: none,
    crashes: none,
    hangs: none,
    slowestMilliseconds: { atMost: LIMIT_MILLISECONDS },
    peakMebibytes: { atMost: 1024 },
  };
  return { figures, wanted, absent: [], files: [file] };
};
