import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import type { TrainingCallback } from './callback';
import { logPlace, openRunLog } from './log-state';
import type { RunLog } from './log-state';

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions {
  /** The file, `run.jsonl` for instance; folders are made. */
  readonly file: string;
  /** Steps from one line about a step to the next: 1. */
  readonly every?: number;
  /** Steps from one line about gradients and weights to the next; none when absent. */
  readonly statisticsEvery?: number;
  /** Begin anew where a file of an earlier run stands: false. */
  readonly overwrite?: boolean;
}

/**
 * Writes what happens in a run to a file, one JSON object a line, each with a `type`: `start`, `step`, `evaluation`,
 * `statistics`, `rollback`, `end`.
 *
 * Every line is written whole, by one call of the system. A run that is resumed goes on in the same file: what was written
 * after its checkpoint is cut off, so that no step is there twice. Numbers that JSON has no word for are strings, `"NaN"`.
 * After a `rollback` the steps that were taken back come again; the later line counts.
 *
 * @param options the file, and how often steps and statistics are written
 * @returns the callback
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be; E_LOG_EXISTS when a new run finds the file, E_LOG_FILE when
 *   it cannot be written at the start (later: a warning, and the run goes on)
 *
 * Reference: jsonlines.org.
 *
 * @example
 * ```ts
 * import { mkdtempSync, readFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { jsonLines, sgd, train } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const start = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'run.jsonl');
 * const options = { data, steps: 2, batchSize: 2, optimizer: sgd(), progress: false };
 * const { model } = await train(start, { ...options, callbacks: jsonLines({ file }) });
 * const types = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line).type);
 * console.log(types); // → [ 'start', 'step', 'step', 'end' ]
 * disposeModel(start);
 * disposeModel(model);
 * ```
 */
export const jsonLines: Plugin<'callback', 'json-lines', (options: JsonLinesOptions) => TrainingCallback> =
  /* @__PURE__ */ definePlugin({
    kind: 'callback',
    name: 'json-lines',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Writes what happens in a run to a file, one JSON object a line',
    create: createJsonLines,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'callback:json-lines': typeof jsonLines;
  }
}

function createJsonLines(options: JsonLinesOptions): TrainingCallback {
  checkOptions<JsonLinesOptions>('json-lines', options, {
    file: required(rules.string),
    every: rules.positiveInteger,
    statisticsEvery: rules.positiveInteger,
    overwrite: rules.boolean,
  });
  const { file, every = 1, statisticsEvery, overwrite = false } = options;
  let log: RunLog | undefined;
  const write = (type: string, fields: object): void => log?.append(jsonLine({ type, ...fields }));
  return {
    name: 'json-lines',
    ...(statisticsEvery !== undefined && { statisticsEvery }),
    onStart(context, state) {
      const place = logPlace(state);
      log = openRunLog({ speaker: 'json-lines', file, overwrite, place, endOfRecords: endOfLines }, context);
      if (place === undefined)
        write('start', { steps: context.steps, time: new Date().toISOString(), ...context.identity });
    },
    onStep(record) {
      if (record.step % every === 0) write('step', record);
    },
    onEvaluate: (record) => write('evaluation', record),
    onStatistics: (record) => write('statistics', record),
    onRollback: (record) => write('rollback', record),
    saveState: () => log?.place() ?? null,
    onEnd: ({ steps, stopped, stopReason, best }) =>
      write('end', { step: steps.length, stopped, ...(stopReason !== undefined && { stopReason }), best }),
    close() {
      log?.close();
      log = undefined;
    },
  };
}

const utf8 = /* @__PURE__ */ new TextEncoder();

/** An object as a line. */
export const jsonLine = (value: object): Uint8Array =>
  utf8.encode(
    `${JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' && !Number.isFinite(one) ? String(one) : one))}\n`,
  );

/** Where the last whole line ends. */
export const endOfLines = (bytes: Uint8Array): number => bytes.lastIndexOf(0x0a) + 1;
