import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { blockFor, grid, int, requireFlag, requireKnown, requireWhole } from './pattern';
import type { AttentionPattern } from './pattern';

/** Options of {@link slidingWindow}. */
export interface SlidingWindowOptions {
  /** Causal: how many keys a query sees, its own included. Otherwise: half of it to either side, and its own. */
  readonly window: number;
  /** Whether no query sees a later key; true when absent. */
  readonly causal?: boolean | undefined;
}

/** How far a query sees back and ahead. */
export interface Window {
  readonly back: number;
  readonly ahead: number;
}

/** The window that the options of several patterns describe. */
export const windowOf = (window: number, causal: boolean): Window =>
  causal ? { back: window - 1, ahead: 0 } : { back: Math.floor(window / 2), ahead: Math.floor(window / 2) };

/** bool [T, S]: keys in the window of each query. */
export function inWindow(query: tf.Tensor, key: tf.Tensor, { back, ahead }: Window): tf.Tensor {
  const distance = tf.sub(query, key); // [T, S]
  return tf.logicalAnd(tf.lessEqual(distance, int(back)), tf.greaterEqual(distance, int(-ahead)));
}

/**
 * Sliding-window attention: each query sees the keys near it.
 *
 * Causal: query p sees keys p − window + 1 … p, as Mistral's `sliding_window`; a text can then go on for ever in a cache of
 * `window` positions. Otherwise: keys p − ⌊window/2⌋ … p + ⌊window/2⌋, as Longformer's `attention_window`. Through L
 * layers a token still learns of others L windows away.
 * Beltagy et al.: "Longformer: The Long-Document Transformer" (2020), section 3.1; Jiang et al.: "Mistral 7B" (2023), section 2.
 *
 * @param options `window`, `causal`
 * @returns the pattern
 * @throws E_PATTERN on options that cannot be
 * @example
 * ```ts
 * import { slidingWindow } from '@tesserae/core';
 *
 * const pattern = slidingWindow({ window: 4 });
 * console.log(pattern.sees(9, 6, 10), pattern.sees(9, 5, 10)); // → true false
 * ```
 */
export const slidingWindow: Plugin<'attention', 'sliding-window', (options: SlidingWindowOptions) => AttentionPattern> =
  /* @__PURE__ */ definePlugin({
    kind: 'attention',
    name: 'sliding-window',
    package: '@tesserae/core',
    apiVersion: 1,
    description: 'each query sees the keys near it',
    create: createSlidingWindow,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'attention:sliding-window': typeof slidingWindow;
  }
}

function createSlidingWindow(options: SlidingWindowOptions): AttentionPattern {
  const name = 'sliding-window';
  requireKnown(name, options, ['window', 'causal']);
  const window = requireWhole(name, 'window', options.window, 1);
  const causal = requireFlag(name, 'causal', options.causal ?? true);
  const { back, ahead } = windowOf(window, causal);
  return {
    name,
    options: { window, causal },
    causal,
    blockSize: blockFor(window),
    sees: (query, key) => query - key <= back && key - query <= ahead,
    reach: (first, last, keys) => [[Math.max(0, first - back), Math.min(keys, last + ahead + 1)]],
    visible(queries, keys) {
      const { query, key } = grid(queries, keys);
      return inWindow(query, key, { back, ahead }); // [T, S]
    },
    ...(causal && { stream: { sinks: 0, window } }),
  };
}
