import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { blockFor, grid, int, requireKnown, requireWhole } from './pattern';
import type { AttentionPattern } from './pattern';
import { inWindow, windowOf } from './slidingWindow';

/** Options of {@link attentionSinks}. */
export interface AttentionSinksOptions {
  /** First tokens of the text that every query sees; 4 when absent. */
  readonly sinks?: number | undefined;
  /** Last keys that a query sees, its own included. */
  readonly window: number;
}

/**
 * Attention sinks: each query sees the first tokens of the text and the last ones, for texts without end.
 *
 * Query p sees keys 0 … sinks − 1 and p − window + 1 … p. Softmax must put its weight somewhere, and models learn to put
 * what they have no use for on the first tokens; a window alone loses those, and the text falls apart. Positions are
 * those inside the cache of `sinks + window` tokens: once it is full, a query stands at position sinks + window − 1 as
 * the sinks see it, however long the text. Architectures with rotary positions see to that.
 * Xiao et al.: "Efficient Streaming Language Models with Attention Sinks" (2023), section 3.2.
 *
 * @param options `sinks`, `window`
 * @returns the pattern, always causal
 * @throws E_PATTERN on options that cannot be
 * @example
 * ```ts
 * import { attentionSinks } from '@tesserae/core';
 *
 * const pattern = attentionSinks({ sinks: 1, window: 2 });
 * console.log([0, 1, 8, 9].map((key) => pattern.sees(9, key, 10))); // → [ true, false, true, true ]
 * ```
 */
export const attentionSinks: Plugin<
  'attention',
  'attention-sinks',
  (options: AttentionSinksOptions) => AttentionPattern
> = /* @__PURE__ */ definePlugin({
  kind: 'attention',
  name: 'attention-sinks',
  package: '@tesserae/core',
  apiVersion: 1,
  description: 'each query sees the first tokens and the last ones',
  create: createAttentionSinks,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'attention:attention-sinks': typeof attentionSinks;
  }
}

function createAttentionSinks(options: AttentionSinksOptions): AttentionPattern {
  const name = 'attention-sinks';
  requireKnown(name, options, ['sinks', 'window']);
  const sinks = requireWhole(name, 'sinks', options.sinks ?? 4, 1);
  const window = requireWhole(name, 'window', options.window, 1);
  return {
    name,
    options: { sinks, window },
    causal: true,
    blockSize: blockFor(window),
    sees: (query, key) => key <= query && (key < sinks || query - key < window),
    reach: (first, last) => [
      [0, Math.min(sinks, last + 1)],
      [Math.max(0, first - window + 1), last + 1],
    ],
    visible(queries, keys) {
      const { query, key } = grid(queries, keys);
      const sink = tf.logicalAnd(tf.less(key, int(sinks)), tf.lessEqual(key, query)); // [T, S]
      return tf.logicalOr(sink, inWindow(query, key, windowOf(window, true)));
    },
    stream: { sinks, window },
  };
}
