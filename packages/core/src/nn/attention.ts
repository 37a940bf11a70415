import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { roundOperand } from '../precision/products';
import { defineOp } from './defineOp';
import { sumToShape } from './rows';
import { requireShape, requireTensor, shapeError, sizes, width } from './shapes';

/** The tensors of the op. */
export type AttentionInputs = {
  query: tf.Tensor;
  key: tf.Tensor;
  value: tf.Tensor;
  bias?: tf.Tensor | undefined;
  offset?: tf.Tensor | undefined;
  spans?: tf.Tensor | undefined;
};
/** The settings of the op. */
export type AttentionAttributes = {
  scale: number;
  causal: boolean;
  /** 0 or absent: none. */
  window?: number;
  /** 0 or absent: none. */
  softcap?: number;
};

/** Low enough that softmax gives it nothing, high enough that two of them stay finite. */
const never = -1e9;

/** Query heads that share a key/value head lie side by side: [B, H, T, ·] → [B, K, H/K · T, ·], no copy. */
function byKeyHead(x: tf.Tensor, keyHeads: number): tf.Tensor4D {
  const [batch, heads, time, last] = sizes(x);
  return tf.reshape(x, [batch, keyHeads, (heads / keyHeads) * time, last]);
}

/**
 * [T, S]: 0 where query t may look at key s, `never` where s comes after it (causal) or `window` or more away from it.
 * Queries stand at offset … offset + T - 1.
 */
function placeBias(
  time: number,
  keys: number,
  offset: tf.Tensor | undefined,
  { causal, window = 0 }: AttentionAttributes,
): tf.Tensor {
  const query = tf.reshape(tf.add(tf.range(0, time, 1, 'int32'), offset ?? tf.scalar(keys - time, 'int32')), [time, 1]);
  const key = tf.reshape(tf.range(0, keys, 1, 'int32'), [1, keys]);
  const closed: tf.Tensor[] = []; // each [T, S]
  if (causal) closed.push(tf.greater(key, query));
  if (window > 0) {
    const reach = tf.scalar(window, 'int32');
    closed.push(tf.lessEqual(key, tf.sub(query, reach)));
    if (!causal) closed.push(tf.greaterEqual(key, tf.add(query, reach)));
  }
  return tf.mul(
    tf.cast(
      closed.reduce((one, other) => tf.logicalOr(one, other)),
      'float32',
    ),
    never,
  );
}

/** [B, 1, T, S]: 0 where key s lies in the span of query t, `never` elsewhere. */
function spanBias(spans: tf.Tensor, keys: number): tf.Tensor {
  const [batch, time] = sizes(spans);
  const [from, to] = tf.split(spans, 2, 2); // [B, T, 1] each
  const key = tf.reshape(tf.range(0, keys, 1, 'int32'), [1, 1, keys]);
  const closed = tf.logicalOr(tf.less(key, from), tf.greaterEqual(key, to)); // [B, T, S]
  return tf.reshape(tf.mul(tf.cast(closed, 'float32'), never), [batch, 1, time, keys]);
}

/**
 * Spans that also say what causality and a window say, so that they say it all: [B, T, 2]. The last query stands at the last
 * key.
 */
function narrowSpans(
  spans: tf.Tensor,
  keys: number,
  { causal, window = 0 }: Pick<AttentionAttributes, 'causal' | 'window'>,
): tf.Tensor {
  const [, time] = sizes(spans);
  const from = new Int32Array(2 * time); // nothing, or for each query the first key that its window leaves
  const to = new Int32Array(2 * time).fill(keys);
  for (let t = 0; t < time; t++) {
    const place = keys - time + t;
    if (window > 0) from[2 * t] = Math.max(0, place - window + 1);
    if (causal) to[2 * t + 1] = place + 1;
    else if (window > 0) to[2 * t + 1] = Math.min(keys, place + window);
  }
  const limit = (list: Int32Array): tf.Tensor => tf.tensor2d(list, [time, 2], 'int32');
  return tf.minimum(tf.maximum(spans, limit(from)), limit(to));
}

/** [weights [B, H, T, S], and with a soft cap tanh(score / cap) [B, H, T, S]]. */
function weigh({ query, key, bias, offset, spans }: AttentionInputs, attributes: AttentionAttributes): tf.Tensor[] {
  const { scale, causal, window = 0, softcap = 0 } = attributes;
  const [batch, heads, time] = sizes(query);
  const [, keyHeads, keys] = sizes(key);
  const factor = softcap > 0 ? scale / softcap : scale;
  const product = tf.matMul(tf.mul(byKeyHead(query, keyHeads), factor), key as tf.Tensor4D, false, true); // [B, K, H/K·T, S]
  let scores: tf.Tensor = tf.reshape(product, [batch, heads, time, keys]); // [B, H, T, S]
  const squashed = softcap > 0 ? [tf.tanh(scores)] : []; // [B, H, T, S]
  if (softcap > 0) scores = tf.mul(squashed[0], softcap);
  if (bias) scores = tf.add(scores, bias);
  if (spans) scores = tf.add(scores, spanBias(spans, keys));
  if ((causal && (time > 1 || offset)) || window > 0) {
    scores = tf.add(scores, placeBias(time, keys, offset, attributes));
  }
  return [tf.softmax(scores), ...squashed];
}

/** [output [B, H, T, E], and what `weigh` gives]. */
function attend(inputs: AttentionInputs, attributes: AttentionAttributes): [tf.Tensor, ...tf.Tensor[]] {
  const [weights, ...squashed] = weigh(inputs, attributes);
  return [mix(weights, inputs.value), weights, ...squashed];
}

/** weights · values: [B, H, T, S], [B, K, S, E] → [B, H, T, E]. */
function mix(weights: tf.Tensor, value: tf.Tensor): tf.Tensor {
  const [batch, heads, time] = sizes(weights);
  return tf.reshape(tf.matMul(byKeyHead(weights, sizes(value)[1]), value as tf.Tensor4D), [
    batch,
    heads,
    time,
    width(value),
  ]);
}

/** Scaled dot-product attention. See {@link attention}. */
export const attentionOp = /* @__PURE__ */ defineOp<AttentionInputs, AttentionAttributes>({
  name: 'Attention',
  composite: (inputs, attributes) => attend(inputs, attributes)[0],
  gradient: {
    forward: attend,
    // With p the weights and o = p v: dp = do vᵀ, ds = p (dp - Σ p dp). The row sum Σₛ p dp equals Σₑ o do
    // (Dao et al., FlashAttention, appendix B.4), which is taken over E features instead of S keys.
    backward({
      gradient,
      inputs: { query, key, value, bias },
      value: output,
      extras: [weights, squashed],
      attributes: { scale },
    }) {
      const keyHeads = sizes(key)[1];
      const [batch, heads, time, keys] = sizes(weights);
      const p = byKeyHead(weights, keyHeads); // [B, K, H/K·T, S]
      const dOutput = byKeyHead(gradient, keyHeads); // [B, K, H/K·T, E]
      const rowSum = tf.sum(tf.mul(byKeyHead(output, keyHeads), dOutput), -1, true); // [B, K, H/K·T, 1]
      const dWeights = tf.matMul(dOutput, value as tf.Tensor4D, false, true); // [B, K, H/K·T, S]
      const dCapped = tf.mul(p, tf.sub(dWeights, rowSum)); // [B, K, H/K·T, S]
      // The cap c·tanh(s/c) has the slope 1 - tanh².
      const slope = squashed && tf.sub(1, tf.square(byKeyHead(squashed, keyHeads)));
      const dScores = (slope ? tf.mul(dCapped, slope) : dCapped) as tf.Tensor4D;
      const q = tf.mul(byKeyHead(query, keyHeads), scale) as tf.Tensor4D;
      return {
        query: tf.reshape(tf.mul(tf.matMul(dScores, key as tf.Tensor4D), scale), query.shape),
        key: tf.matMul(dScores, q, true),
        value: tf.matMul(p, dOutput, true),
        ...(bias && { bias: sumToShape(tf.reshape(dCapped, [batch, heads, time, keys]), bias.shape) }),
      };
    },
  },
});

/** What `attention` can be told. */
export interface AttentionOptions {
  /** Whether a query sees no later key. The last query stands at the last key unless `queryOffset` says otherwise. */
  readonly causal?: boolean | undefined;
  /** bool or int32, broadcast to [B, H, T, S]: true or 1 where a query may look. */
  readonly mask?: tf.Tensor | undefined;
  /** float32, broadcast to [B, H, T, S], added to the scores; differentiable. */
  readonly bias?: tf.Tensor | undefined;
  /** Scores are multiplied by this; 1/√E when absent. */
  readonly scale?: number | undefined;
  /** A query sees only keys that are less than this many positions before it (and, when not causal, after it). */
  readonly window?: number | undefined;
  /** Scores s become cap · tanh(s / cap), before any mask or bias. */
  readonly softcap?: number | undefined;
  /**
   * int32 [B, T, 2]: a query sees no key but those from the first number up to, and not with, the second one; what `causal`
   * and `window` leave of them, itself at least. For several sequences in a row; not with `queryOffset`.
   */
  readonly spans?: tf.Tensor | undefined;
  /** int32 scalar: the key position of the first query, for a cache that is partly filled. */
  readonly queryOffset?: tf.Tensor | undefined;
  /** Sees the weights [B, H, T, S] and gives those to use: to capture, replace or drop some. Costs the fused path. */
  readonly onWeights?: ((weights: tf.Tensor) => tf.Tensor) | undefined;
}

/**
 * Scaled dot-product attention with grouped key/value heads: softmax(q kᵀ · scale + bias) v.
 *
 * Query head h uses key/value head ⌊h · K / H⌋. A query that may look nowhere looks everywhere alike.
 * Vaswani et al.: "Attention Is All You Need" (2017), equation 1; Ainslie et al.: "GQA" (2023). The window: Beltagy et al.: "Longformer" (2020), section 3.1; as
 * Hugging Face's `sliding_window`. The cap: "Gemma 2" (2024), section 2.
 *
 * @param query [B, H, T, E]
 * @param key [B, K, S, E], K a divisor of H
 * @param value [B, K, S, E] (its last dimension may differ from the key's)
 * @param options `causal`, `window`, `softcap`, `mask`, `bias`, `spans`, `scale`, `queryOffset`, `onWeights`
 * @returns [B, H, T, E]
 * @throws E_SHAPE when batches, heads, lengths or widths do not agree; E_OPTION on a bad window or cap, or spans with an offset; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { attention } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const value = tf.tensor4d([[[[1], [3]]]]);
 * const y = attention(tf.zeros([1, 1, 2, 1]), tf.zeros([1, 1, 2, 1]), value, { causal: true });
 * console.log(Array.from(y.dataSync())); // → [ 1, 2 ]
 * ```
 */
export function attention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: AttentionOptions = {},
): tf.Tensor {
  const { causal = false, mask, bias, spans, queryOffset: offset, onWeights } = options;
  checkAttentionShapes('attention', query, key, value);
  const window = readWindow(options.window, sizes(key)[2]);
  const attributes: AttentionAttributes = {
    scale: options.scale ?? 1 / Math.sqrt(width(query)),
    causal: spans ? false : causal,
    window: spans ? 0 : window,
    softcap: readSoftcap(options.softcap),
  };
  if (spans) checkSpans(spans, query, offset);
  const full = [...sizes(query).slice(0, 3), sizes(key)[2]];
  if (mask) {
    requireTensor('attention', 'mask', mask, ['bool', 'int32']);
    requireBroadcast('mask', mask, full);
  }
  if (bias) {
    requireTensor('attention', 'bias', bias);
    requireBroadcast('bias', bias, full);
  }
  const inputs = (): AttentionInputs => {
    const closed = mask && tf.mul(tf.sub(1, tf.cast(mask, 'float32')), never);
    const [q, k, v] = [query, key, value].map(roundOperand);
    const seen = spans && narrowSpans(spans, sizes(key)[2], { causal, window });
    const added = closed && bias ? tf.add(bias, closed) : (closed ?? bias);
    return { query: q, key: k, value: v, bias: added, offset, spans: seen };
  };
  if (!onWeights) return tf.tidy(() => roundOperand(attentionOp(inputs(), attributes)));
  // What onWeights keeps must outlive this function, so only the parts around it are tidied.
  const weights = onWeights(tf.tidy(() => weigh(inputs(), attributes)[0]));
  return tf.tidy(() => roundOperand(mix(weights, roundOperand(value))));
}

function checkSpans(spans: tf.Tensor, query: tf.Tensor, offset: tf.Tensor | undefined): void {
  const [batch, , time] = sizes(query);
  requireTensor('attention', 'spans', spans, ['int32']);
  requireShape('attention', 'spans', spans, [batch, time, 2], 'batch, time, from and to');
  if (offset) throw optionError('spans and queryOffset are both given', 'leave one of them out');
}

/** 0 where it closes nothing: then the faster kernels can be used. */
function readWindow(window: number | undefined, keys: number): number {
  if (window === undefined) return 0;
  if (!Number.isInteger(window) || window < 1) {
    throw optionError(`the window is ${window}`, 'use a whole number of positions from 1 up');
  }
  return window < keys ? window : 0;
}

function readSoftcap(softcap: number | undefined): number {
  if (softcap === undefined) return 0;
  if (softcap > 0 && softcap < Infinity) return softcap;
  throw optionError(`the soft cap is ${softcap}`, 'use a positive number such as 50');
}

function optionError(message: string, fix: string): Error {
  return tesseraeError({ package: 'core', code: 'E_OPTION', message: `attention: ${message}`, fix });
}

/** Checks that queries, keys and values fit together; `op` names who asks. */
export function checkAttentionShapes(op: string, query: tf.Tensor, key: tf.Tensor, value: tf.Tensor): void {
  for (const [name, tensor] of [
    ['query', query],
    ['key', key],
    ['value', value],
  ] as const)
    requireTensor(op, name, tensor);
  requireShape(op, 'query', query, [null, null, null, null], 'batch, heads, time, headWidth');
  const [batch, heads, , features] = sizes(query);
  requireShape(op, 'key', key, [batch, null, null, features], 'batch, keyValueHeads, keys, headWidth');
  const [, keyHeads, keys] = sizes(key);
  requireShape(op, 'value', value, [batch, keyHeads, keys, null], 'batch, keyValueHeads, keys, headWidth');
  if (heads % keyHeads !== 0) {
    throw shapeError(
      op,
      `${heads} query heads cannot share ${keyHeads} key/value heads evenly`,
      'make the number of heads a multiple of the key/value heads',
    );
  }
}

function requireBroadcast(name: string, tensor: tf.Tensor, full: readonly number[]): void {
  const missing = full.length - tensor.shape.length;
  const fits = missing >= 0 && tensor.shape.every((size, axis) => size === 1 || size === full[axis + missing]);
  if (!fits) {
    throw shapeError(
      'attention',
      `${name} [${tensor.shape.join(', ')}] does not broadcast to [batch, heads, time, keys] = [${full.join(', ')}]`,
      `give ${name} those sizes, or 1`,
    );
  }
}
