import { describeValue } from '@tesserae/registry';
import { environment } from '../environment/output';
import type { Output } from '../environment/output';
import { checkOptions, checkPositive, checkString, displayError } from '../errors/display-error';
import { createPainter } from './painters';
import { createRateMeter } from './rate';
import { progressState } from './state';
import type { ProgressFields } from './state';

/** What a progress display is about. */
export interface ProgressOptions {
  /** Steps in all. */
  total: number;
  /** What is going on. Default `'progress'`. */
  label?: string;
  /** Steps that were done before, as in a resumed run. Default 0. */
  start?: number;
  /** One step, in a word: `'step'` (the default), `'file'`; `'byte'` counts and rates in MiB and the like. */
  unit?: string;
  /** Work in each step, when the rate is better said in it: tokens in a batch, bytes in a block. */
  workPerStep?: number;
  /** The unit of that work. Default `'tokens'`. */
  workUnit?: string;
  /** Show the resident memory of the process. Default `true`. */
  memory?: boolean;
  /** Seconds between plain lines, where nothing can be drawn in place. Default 5. */
  plainSeconds?: number;
  /** Where to draw. */
  output?: Output;
}

/** A progress display. Its functions never throw: training must not end because nobody can watch it. */
export interface Progress {
  /** Says that `step` steps are done, and what to show beside the bar. */
  update(step: number, fields?: ProgressFields): void;
  /** Writes a line that stays. */
  note(line: string): void;
  /** Draws the last state and lets the terminal go. Later calls do nothing. */
  end(): void;
}

const OPTIONS = ['total', 'label', 'start', 'unit', 'workPerStep', 'workUnit', 'memory', 'plainSeconds', 'output'];

/**
 * Shows progress: how far, how fast, how long still, how much memory, and whatever the caller adds, such as the loss.
 *
 * In a terminal it is one line drawn in place; in a tslab notebook one place in the output, at most five times a
 * second; anywhere else plain lines, one every few seconds. The rate is measured over the last 15 seconds, without the
 * first step, which often compiles.
 *
 * @param options `total` (steps) and optionally `label`, `start`, `unit`, `workPerStep`, `workUnit`, `memory`,
 *   `plainSeconds`, `output`
 * @returns `update`, `note` and `end`
 * @throws E_OPTION for an unknown option or one of the wrong kind
 *
 * @example
 * ```ts
 * import { createProgress } from '@tesserae/display';
 *
 * const progress = createProgress({ total: 3, label: 'training', workPerStep: 2048 });
 * for (let step = 1; step <= 3; step++) progress.update(step, { loss: 1 / step });
 * progress.end();
 * ```
 */
export function createProgress(options: ProgressOptions): Progress {
  checkOptions('createProgress', options, OPTIONS);
  const { total, label = 'progress', start = 0, unit = 'step', workUnit = 'tokens', output = {} } = options;
  for (const [name, value] of Object.entries({ total, start }))
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw displayError('E_OPTION', `${name} of createProgress is ${describeValue(value)}`, 'use a number of steps');
  checkPositive('createProgress', 'workPerStep', options.workPerStep);
  checkPositive('createProgress', 'plainSeconds', options.plainSeconds);
  for (const name of ['label', 'unit', 'workUnit'] as const) checkString('createProgress', name, options[name]);

  const now = output.now ?? (() => performance.now());
  const meter = createRateMeter(now, start);
  const settings = {
    label: label.replace(/\s+/g, ' '),
    total,
    unit,
    workUnit,
    workPerStep: options.workPerStep,
    memory: options.memory === false ? () => undefined : residentBytes,
  };
  const painter = createPainter(environment(output), {
    output,
    now,
    notebookMilliseconds: 200,
    plainMilliseconds: (options.plainSeconds ?? 5) * 1000,
  });
  let step = start;
  let fields: ProgressFields = {};
  let ended = false;
  const state = (): ReturnType<typeof progressState> => progressState(settings, meter, step, fields, ended);
  return {
    update(next, more = {}) {
      if (ended || !Number.isFinite(next)) return;
      step = next;
      fields = { ...fields, ...more };
      meter.mark(step);
      painter.paint(state);
    },
    note(line) {
      if (!ended) painter.note(String(line));
    },
    end() {
      if (ended) return;
      ended = true;
      painter.finish(state());
    },
  };
}

/** `process.memoryUsage.rss()` costs a few microseconds; the whole `memoryUsage()` walks the heap. */
function residentBytes(): number | undefined {
  try {
    return typeof process === 'undefined' ? undefined : process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
