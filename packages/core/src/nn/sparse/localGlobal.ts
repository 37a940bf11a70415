import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { blockFor, grid, patternError, requireFlag, requireKnown, requireWhole } from './pattern';
import type { AttentionPattern, KeyRange } from './pattern';
import { inWindow, windowOf } from './slidingWindow';

/** Options of {@link localGlobal}. */
export interface LocalGlobalOptions {
  /** The window of every token, as in `slidingWindow`. */
  readonly window: number;
  /** Positions of the tokens that see all and are seen by all; `[0]`, the first token, when absent. */
  readonly globalPositions?: readonly number[] | undefined;
  /** Whether no query sees a later key; false when absent. */
  readonly causal?: boolean | undefined;
}

/**
 * Local and global attention: a sliding window, and a few tokens that see everything and are seen by everything.
 *
 * Query p sees key s when s lies in its window, or p or s is a global position (and s ≤ p where causal). The global tokens
 * are those that the task needs to know the whole text: `[CLS]` of a classifier, the question of a reader. Queries, keys
 * and values are those of the other tokens: Longformer's second set of projections is not part of a pattern.
 * Beltagy et al.: "Longformer: The Long-Document Transformer" (2020), section 3.1.
 *
 * @param options `window`, `globalPositions`, `causal`
 * @returns the pattern
 * @throws E_PATTERN on options that cannot be
 * @example
 * ```ts
 * import { localGlobal } from '@tesserae/core';
 *
 * const pattern = localGlobal({ window: 2, globalPositions: [0] });
 * console.log(pattern.sees(9, 0, 10), pattern.sees(0, 9, 10), pattern.sees(9, 5, 10)); // → true true false
 * ```
 */
export const localGlobal: Plugin<'attention', 'local-global', (options: LocalGlobalOptions) => AttentionPattern> =
  /* @__PURE__ */ definePlugin({
    kind: 'attention',
    name: 'local-global',
    package: '@tesserae/core',
    apiVersion: 1,
    description: 'a sliding window, and tokens that see all and are seen by all',
    create: createLocalGlobal,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'attention:local-global': typeof localGlobal;
  }
}

function createLocalGlobal(options: LocalGlobalOptions): AttentionPattern {
  const name = 'local-global';
  requireKnown(name, options, ['window', 'globalPositions', 'causal']);
  const window = requireWhole(name, 'window', options.window, 1);
  const causal = requireFlag(name, 'causal', options.causal ?? false);
  const positions = readPositions(name, options.globalPositions ?? [0]);
  const global = new Set(positions);
  const { back, ahead } = windowOf(window, causal);
  const near = (query: number, key: number): boolean => query - key <= back && key - query <= ahead;
  return {
    name,
    options: { window, globalPositions: positions, causal },
    causal,
    blockSize: blockFor(window),
    sees: (query, key) => (!causal || key <= query) && (near(query, key) || global.has(key) || global.has(query)),
    reach(first, last, keys) {
      const end = causal ? last + 1 : keys;
      if (positions.some((at) => at >= first && at <= last)) return [[0, end]];
      const seen = positions.filter((at) => at < end).map((at): KeyRange => [at, at + 1]);
      return [...seen, [Math.max(0, first - back), Math.min(keys, last + ahead + 1)]];
    },
    visible(queries, keys) {
      const { query, key } = grid(queries, keys);
      const either = tf.logicalOr(isAny(key, positions), isAny(query, positions)); // [T, S]
      const seen = tf.logicalOr(either, inWindow(query, key, { back, ahead }));
      return causal ? tf.logicalAnd(seen, tf.lessEqual(key, query)) : seen;
    },
  };
}

function readPositions(name: string, positions: readonly number[]): number[] {
  if (!Array.isArray(positions) || positions.length === 0) {
    throw patternError(name, 'there are no global positions', 'name at least one, or use slidingWindow');
  }
  const whole = (positions as number[]).map((at) => requireWhole(name, 'a global position', at, 0));
  return [...new Set(whole)].sort((a, b) => a - b);
}

/** Whether each position is one of these: the same shape, bool. */
function isAny(at: tf.Tensor, positions: readonly number[]): tf.Tensor {
  const each = tf.equal(tf.expandDims(at, -1), tf.tensor1d(positions.slice(), 'int32')); // [..., G]
  return tf.any(each, -1);
}
