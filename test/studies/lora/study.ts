import { fork } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { selectBackend } from '@tesserae/core';
import { barChart, formatDuration } from '@tesserae/display';
import { dataFolder } from '../data-folder';
import type { Study, StudyOptions, StudyResult } from '../study';
import { readyBase } from './base';
import type { FitResult } from './child';
import { setting } from './setting';
import type { Method, TaskName } from './setting';

/** Both methods on one task. */
type Pair = Readonly<Record<Method, FitResult>>;

const methods = ['full', 'lora'] as const;
const names = Object.keys(setting.tasks) as TaskName[];

/** One fine-tuning in a process of its own. */
function inChild(folder: string, what: TaskName | 'large', method: Method, seed: number): Promise<FitResult> {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(__dirname, 'child.ts'), [folder, what, method, String(seed)], {
      execArgv: ['--import', 'tsx'],
    });
    let result: FitResult | undefined;
    child.on('message', (message) => void (result = message as FitResult));
    child.on('exit', (code) =>
      result ? resolve(result) : reject(new Error(`${what} by ${method} ended with ${code}`)),
    );
  });
}

async function both(folder: string, what: TaskName | 'large', seed: number, say: StudyOptions['say']): Promise<Pair> {
  const found: Partial<Record<Method, FitResult>> = {};
  for (const method of methods) {
    const result = (found[method] = await inChild(folder, what, method, seed));
    const accuracy = result.accuracy === undefined ? '' : `accuracy ${(100 * result.accuracy).toFixed(2)} %, `;
    const memory = `${Math.round(result.peakBytes / 2 ** 20)} MiB at most`;
    say(
      `${what}, ${method}: ${accuracy}${formatDuration(result.seconds)}, ${memory}, ${result.learned} numbers learned and ${result.head} of the head`,
    );
  }
  return found as Pair;
}

/**
 * Full fine-tuning against LoRA of rank 8 on two real tasks, from an encoder that is trained here from nothing to fill in
 * gaps and to know a text by any part of its words: does LoRA, with under one in a hundred of the numbers, lose less than a
 * point? The head is new in both and learned whole in both; the share of what else learns is given of all numbers, and of
 * those without the head. `memory` takes a larger model with random weights, on which optimizer state and gradients show. The
 * base of an earlier run is used again, if the same setting and seed made it.
 */
async function learnBoth({ folder, say, seed = 1, part }: StudyOptions): Promise<StudyResult> {
  const wantsTasks = part !== 'memory';
  const missing = wantsTasks && !existsSync(path.join(dataFolder(), 'classify'));
  const tasks = wantsTasks && !missing ? await learnTasks(folder, seed, say) : {};
  const large = part === 'quality' ? undefined : await both(folder, 'large', seed, say);
  const files = Object.keys(tasks).length > 0 ? [await drawn(folder, tasks)] : [];
  return {
    ...figuresOf(tasks, large),
    absent: missing ? [{ what: 'quality', reason: `there is no classify in ${dataFolder()}` }] : [],
    files,
  };
}

/** The study, or one of its two parts. */
export const loraStudy: Study = Object.assign(learnBoth, { parts: ['quality', 'memory'] });

async function learnTasks(
  folder: string,
  seed: number,
  say: StudyOptions['say'],
): Promise<Partial<Record<TaskName, Pair>>> {
  await selectBackend({ log: say });
  const base = path.join(folder, 'base');
  const { loss, pairLoss, texts, seconds, isNew } = await readyBase(base, seed);
  say(
    `base${isNew ? '' : ' of an earlier run'}: ${loss.toFixed(2)} nats a hidden token, ${pairLoss.toFixed(2)} to find the other half of a pair, after ${formatDuration(seconds)} on ${texts} texts`,
  );
  const tasks: Partial<Record<TaskName, Pair>> = {};
  for (const name of names) tasks[name] = await both(base, name, seed, say);
  return tasks;
}

function figuresOf(
  tasks: Partial<Record<TaskName, Pair>>,
  large: Pair | undefined,
): Pick<StudyResult, 'figures' | 'wanted'> {
  const figures: Record<string, number> = {};
  const wanted: Record<string, { atMost: number } | { atLeast: number }> = {};
  for (const [name, { full, lora }] of Object.entries(tasks)) {
    figures[`${name}Full`] = full.accuracy!;
    figures[`${name}Lora`] = lora.accuracy!;
    figures[`${name}Points`] = 100 * (lora.accuracy! - full.accuracy!);
    figures[`${name}LearnedShare`] = lora.learned / lora.total;
    figures[`${name}LearnedShareOfBody`] = lora.learned / (lora.total - lora.head);
    figures[`${name}HeadShare`] = lora.head / lora.total;
    figures[`${name}Time`] = lora.seconds / full.seconds;
    figures[`${name}Memory`] = lora.peakBytes / full.peakBytes;
    wanted[`${name}Points`] = { atLeast: -1 };
    wanted[`${name}LearnedShare`] = { atMost: 0.01 };
    wanted[`${name}LearnedShareOfBody`] = { atMost: 0.01 };
  }
  if (large) {
    figures.largeFullMegabytes = large.full.peakBytes / 1e6;
    figures.largeLoraMegabytes = large.lora.peakBytes / 1e6;
    figures.largeMemory = large.lora.peakBytes / large.full.peakBytes;
    figures.largeTime = large.lora.seconds / large.full.seconds;
    wanted.largeMemory = { atMost: 0.8 };
  }
  return { figures, wanted };
}

async function drawn(folder: string, tasks: Partial<Record<TaskName, Pair>>): Promise<string> {
  const { svg } = await barChart({
    title: 'Accuracy on texts that were not learned from, %',
    bars: Object.entries(tasks).flatMap(([name, pair]) =>
      methods.map((method) => ({ label: name, series: method, value: 100 * pair[method].accuracy! })),
    ),
  });
  const file = path.join(folder, 'accuracy.svg');
  writeFileSync(file, svg);
  return file;
}
