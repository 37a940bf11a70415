import { createKey, foldIn, integers, permutation, splitKey } from '@tesserae/core';
import { describeValue, tesseraeError } from '@tesserae/registry';
import { checkOptions, oneOf, required, rules } from '../options';
import { readIds } from './cache/token-store';
import type { TokenStore } from './cache/token-store';
import { textTooShort } from './data-errors';

/** One batch: rows of ids, and for each the id that follows it. */
export interface TokenBatch {
  /** [B,T] row by row. */
  readonly inputIds: Int32Array;
  /** [B,T] what the model should predict at each position; -100 is not counted. */
  readonly labels: Int32Array;
  /** Further inputs of the model by their names, [B, …]. */
  readonly [name: string]: Int32Array;
}

/** Gives the batch of any step, without having given those before it. Steps count from 0. */
export type BatchSampler = (step: number) => TokenBatch;

/** Options of {@link createBatchSampler}. */
export interface BatchSamplerOptions {
  /** Rows of a batch, B. */
  readonly batchSize: number;
  /** Tokens of a row, T. */
  readonly contextLength: number;
  /**
   * `windows` (default): every row starts at a random position. `epochs`: the text is cut into rows, which come in a
   * new random order each time around, so that every token is seen equally often.
   */
  readonly order?: 'windows' | 'epochs';
  /** Decides the order: 0. */
  readonly seed?: number;
}

/**
 * Makes a sampler of batches whose order follows from a seed and the number of the step alone.
 *
 * Row r of step s starts at position integer(key(seed, s), r) of the ids (`windows`), or is row
 * permutation(key(seed, epoch))[s·B + r mod rows] (`epochs`). Nothing has to be replayed to continue at any step.
 *
 * @param tokens the ids to take rows from: a list, or a part of a token cache
 * @param options batch size B, context length T, order and seed
 * @returns step → batch of [B,T] ids and [B,T] labels
 * @throws E_TEXT_TOO_SHORT when the ids do not hold one row and the token after it; E_OPTION, E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { createBatchSampler } from '@tesserae/trainer';
 * const sampler = createBatchSampler(Int32Array.from({ length: 50 }, (_, i) => i), { batchSize: 2, contextLength: 3 });
 * const { inputIds, labels } = sampler(7);
 * console.log(inputIds.length, labels[0] - inputIds[0]); // → 6 1
 * ```
 */
export function createBatchSampler(tokens: Int32Array | TokenStore, options: BatchSamplerOptions): BatchSampler {
  checkOptions<BatchSamplerOptions>('createBatchSampler', options, {
    batchSize: required(rules.positiveInteger),
    contextLength: required(rules.positiveInteger),
    order: oneOf('windows', 'epochs'),
    seed: rules.nonNegativeInteger,
  });
  const { batchSize, contextLength, order = 'windows', seed = 0 } = options;
  if (tokens.length <= contextLength) throw textTooShort('training', tokens.length, contextLength);
  const [key] = splitKey(createKey(seed), 1);
  const cut = (starts: ArrayLike<number>): TokenBatch => cutRows(tokens, starts, contextLength);
  if (order === 'windows') {
    return (step) => cut(integers(foldIn(key, checkStep(step)), batchSize, 0, tokens.length - contextLength));
  }
  const rows = Math.floor((tokens.length - 1) / contextLength);
  let shuffled: { epoch: number; order: Int32Array } = { epoch: -1, order: new Int32Array(0) };
  const startOf = (index: number): number => {
    const epoch = Math.floor(index / rows);
    if (shuffled.epoch !== epoch) shuffled = { epoch, order: permutation(foldIn(key, epoch), rows) };
    return shuffled.order[index % rows] * contextLength;
  };
  return (step) => {
    const first = checkStep(step) * batchSize;
    return cut(Array.from({ length: batchSize }, (_, row) => startOf(first + row)));
  };
}

/** Copies the rows that start at the given positions, and the same rows one token later. */
export function cutRows(tokens: Int32Array | TokenStore, starts: ArrayLike<number>, contextLength: number): TokenBatch {
  const inputIds = new Int32Array(starts.length * contextLength);
  const labels = new Int32Array(starts.length * contextLength);
  for (let row = 0; row < starts.length; row++) {
    const start = starts[row];
    const ids = readIds(tokens, start, start + contextLength + 1); // [T + 1]
    inputIds.set(ids.subarray(0, contextLength), row * contextLength);
    labels.set(ids.subarray(1), row * contextLength);
  }
  return { inputIds, labels };
}

function checkStep(step: number): number {
  if (Number.isSafeInteger(step) && step >= 0) return step;
  throw tesseraeError({
    package: 'trainer',
    code: 'E_OPTION',
    message: `a step must be a whole number ≥ 0, found ${describeValue(step)}`,
    fix: 'count steps from 0',
  });
}
