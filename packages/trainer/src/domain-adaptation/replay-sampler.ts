import { describeValue, tesseraeError } from '@tesserae/registry';
import { createBatchSampler } from '../data/index';
import type { BatchSampler, TokenBatch } from '../data/index';
import { checkOptions, oneOf, required, rules } from '../options';
import type { OptionRule } from '../options';

/** Options of {@link createReplaySampler}. */
export interface ReplaySamplerOptions {
  /** Rows of a batch, B, old and new together. */
  readonly batchSize: number;
  /** Tokens of a row, T. */
  readonly contextLength: number;
  /** Share of the rows that come from the old domains, exact over time: 0.1. */
  readonly replayShare?: number;
  /** How rows are taken from each domain, as by `createBatchSampler`: `windows`. */
  readonly order?: 'windows' | 'epochs';
  /** Decides the order: 0. */
  readonly seed?: number;
}

const share: OptionRule = {
  expected: 'a number from 0 to 1, 1 not included',
  test: (value) => typeof value === 'number' && value >= 0 && value < 1,
};

/**
 * Makes a sampler of batches of a new domain with rows of old ones among them, so that what was known is not forgotten.
 *
 * Steps before s have had ⌊s · B · share⌋ rows of the old domains, whatever B: a share of 0.1 with 4 rows gives one old row in
 * two steps of five. Old domains take turns. The batch of a step follows from the seed and the step alone.
 *
 * @param domain ids of the new domain
 * @param previous ids of the old domain, or of each of several
 * @param options batch size B, context length T, share, order and seed
 * @returns step → batch of [B,T] ids and [B,T] labels, the old rows last; for `train(model, { order })`
 * @throws E_TEXT_TOO_SHORT when ids do not hold one row and the token after it; E_OPTION, E_UNKNOWN_OPTION
 *
 * Ibrahim et al.: "Simple and Scalable Strategies to Continually Pre-train Large Language Models" (2024), section 4.2;
 * Robins: "Catastrophic Forgetting, Rehearsal and Pseudorehearsal" (1995).
 *
 * @example
 * ```ts
 * import { createReplaySampler } from '@tesserae/trainer';
 * const [fresh, old] = [new Int32Array(50).fill(1), new Int32Array(50).fill(2)];
 * const sampler = createReplaySampler(fresh, old, { batchSize: 4, contextLength: 2, replayShare: 0.25 });
 * console.log(Array.from(sampler(3).inputIds)); // → [ 1, 1, 1, 1, 1, 1, 2, 2 ]
 * ```
 */
export function createReplaySampler(
  domain: Int32Array,
  previous: Int32Array | readonly Int32Array[],
  options: ReplaySamplerOptions,
): BatchSampler {
  checkOptions<ReplaySamplerOptions>('createReplaySampler', options, {
    batchSize: required(rules.positiveInteger),
    contextLength: required(rules.positiveInteger),
    replayShare: share,
    order: oneOf('windows', 'epochs'),
    seed: rules.nonNegativeInteger,
  });
  const { batchSize, contextLength, replayShare = 0.1, order = 'windows', seed = 0 } = options;
  const old = ArrayBuffer.isView(previous) ? [previous as Int32Array] : [...previous];
  if (old.length === 0)
    throw tesseraeError({
      package: 'trainer',
      plugin: 'createReplaySampler',
      code: 'E_OPTION',
      message: `there is no old domain, found ${describeValue(previous)}`,
      fix: 'give the ids of at least one',
    });
  const rowsOf = (ids: Int32Array, place: number): BatchSampler =>
    createBatchSampler(ids, { batchSize: 1, contextLength, order, seed: seed + place });
  const fresh = rowsOf(domain, 0);
  const replayed = old.map((ids, i) => rowsOf(ids, 1 + i));
  const oldBefore = (step: number): number => Math.floor(step * batchSize * replayShare + 1e-9); // 3 · 0.1 is below 0.3
  return (step) => {
    const [first, last] = [oldBefore(step), oldBefore(step + 1)];
    const firstFresh = step * batchSize - first;
    const freshRows = batchSize - (last - first);
    return joinRows([
      ...Array.from({ length: freshRows }, (_, i) => fresh(firstFresh + i)),
      ...Array.from({ length: last - first }, (_, i) => {
        const at = first + i;
        return replayed[at % old.length](Math.floor(at / old.length));
      }),
    ]);
  };
}

function joinRows(rows: readonly TokenBatch[]): TokenBatch {
  const join = (lists: readonly Int32Array[]): Int32Array => {
    const joined = new Int32Array(lists.length * lists[0].length);
    lists.forEach((list, i) => joined.set(list, i * list.length));
    return joined;
  };
  return { inputIds: join(rows.map((row) => row.inputIds)), labels: join(rows.map((row) => row.labels)) };
}
