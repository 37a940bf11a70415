import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { defineOp } from './defineOp';
import { requireRank, requireShape, requireTensor, shapeError, width } from './shapes';

/** Cosines and sines of the angles by which pairs of features are turned. */
export interface RotaryTable {
  /** [..., T, E/2]. */
  readonly cos: tf.Tensor;
  /** [..., T, E/2]. */
  readonly sin: tf.Tensor;
  /** The table for other positions, which a cache that rolls needs. */
  at?(positions: tf.Tensor): RotaryTable;
}

/** How the angles come from positions. */
export interface RotaryOptions {
  /** Base of the frequencies, 10000 when absent. */
  readonly theta?: number | undefined;
  /** E/2 frequencies in radians a position, in place of theta^(-2i/E). */
  readonly frequencies?: readonly number[] | undefined;
  /** Cosines and sines are multiplied by this (YaRN's attention factor); 1 when absent. */
  readonly scale?: number | undefined;
}

/** Turns the pairs (xᵢ, xᵢ₊ₑ⁄₂) by their angles. */
function turn(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [first, second] = tf.split(x, 2, -1); // [..., T, E/2] twice
  return tf.concat(
    [tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))],
    -1,
  );
}

/** Rotation of feature pairs, given cosines and sines; these take no gradient. See {@link rotaryEmbedding}. */
export const rotaryOp = /* @__PURE__ */ defineOp<
  { x: tf.Tensor; cos: tf.Tensor; sin: tf.Tensor },
  Record<string, never>
>({
  name: 'Rotary',
  composite: ({ x, cos, sin }) => turn(x, cos, sin),
  gradient: {
    // A rotation's gradient is the rotation back.
    backward: ({ gradient, inputs: { cos, sin } }) => ({ x: turn(gradient, cos, tf.neg(sin)) }),
  },
});

/**
 * Makes the cosines and sines that rotary embeddings of some positions need, once for all layers.
 *
 * Angle of pair i at position p: p · theta^(−2i/E), or p · frequencies[i].
 *
 * @param positions int32 [...], usually [T] or [B, T]
 * @param headDim E, an even number
 * @param options `theta`, `frequencies`, `scale`
 * @returns cos and sin, each [...positions.shape, E/2]
 * @throws E_SHAPE when E is odd or the frequencies are not E/2
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { rotaryTable } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const { cos } = rotaryTable(tf.tensor1d([0, 1], 'int32'), 4);
 * console.log(cos.shape); // → [ 2, 2 ]
 * ```
 */
export function rotaryTable(positions: tf.Tensor, headDim: number, options: RotaryOptions = {}): RotaryTable {
  requireTensor('rotaryTable', 'positions', positions, ['int32', 'float32']);
  const { theta = 10000, scale = 1 } = options;
  const frequencies = options.frequencies ?? rotaryFrequencies(headDim, theta);
  if (frequencies.length !== headDim / 2) {
    throw shapeError(
      'rotaryTable',
      `${frequencies.length} frequencies for ${headDim} features a head`,
      `give ${headDim / 2} frequencies`,
    );
  }
  return tf.tidy(() => {
    const angles = tf.mul(tf.expandDims(tf.cast(positions, 'float32'), -1), tf.tensor1d(frequencies.slice())); // [..., T, E/2]
    const scaled = (value: tf.Tensor): tf.Tensor => (scale === 1 ? value : tf.mul(value, scale));
    return { cos: scaled(tf.cos(angles)), sin: scaled(tf.sin(angles)) };
  });
}

/**
 * The frequencies of rotary embeddings: theta^(−2i/E) for i from 0 to E/2 − 1.
 *
 * @param headDim E, an even number
 * @param theta the base, 10000 when absent
 * @returns E/2 frequencies in radians a position
 * @throws E_SHAPE when E is no even number from 2 up
 * @example
 * ```ts
 * import { rotaryFrequencies } from '@tesserae/core';
 *
 * console.log(rotaryFrequencies(4)); // → [ 1, 0.01 ]
 * ```
 */
export function rotaryFrequencies(headDim: number, theta = 10000): number[] {
  if (!Number.isInteger(headDim) || headDim < 2 || headDim % 2 !== 0) {
    throw shapeError('rotaryFrequencies', `${headDim} features a head cannot be paired`, 'use an even head width');
  }
  if (!(theta > 0))
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `rotaryFrequencies: theta is ${theta}`,
      fix: 'use a positive base such as 10000',
    });
  return Array.from({ length: headDim / 2 }, (_, index) => 1 / theta ** ((2 * index) / headDim));
}

/**
 * Rotary position embedding in the rotate-half form of Hugging Face's Llama: features i and i + E/2 form a pair.
 *
 * (x₁, x₂) → (x₁ cos − x₂ sin, x₂ cos + x₁ sin).
 * Su et al.: "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021), equation 34.
 *
 * @param x [B, H, T, E] (or any [..., T, E] that the positions fit)
 * @param positions int32 [T] or [B, T], or the table made from them
 * @param options `theta`, `frequencies`, `scale`; of no account when a table is given
 * @returns the same shape as x
 * @throws E_SHAPE when the positions do not fit x
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { rotaryEmbedding } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const x = tf.ones([1, 1, 2, 4]);
 * const y = rotaryEmbedding(x, tf.tensor1d([0, 1], 'int32'));
 * console.log(Array.from(y.dataSync()).slice(0, 4)); // → [ 1, 1, 1, 1 ]
 * ```
 */
export function rotaryEmbedding(
  x: tf.Tensor,
  positions: tf.Tensor | RotaryTable,
  options: RotaryOptions = {},
): tf.Tensor {
  requireTensor('rotaryEmbedding', 'x', x);
  requireRank('rotaryEmbedding', 'x', x, 2, '..., time, headWidth');
  return tf.tidy(() => {
    const table =
      'cos' in positions && 'sin' in positions && !('dataId' in positions)
        ? positions
        : rotaryTable(positions as tf.Tensor, width(x), options);
    const time = x.shape[x.shape.length - 2];
    const [cos, sin] = [table.cos, table.sin].map((angles) => {
      if (angles.shape.length === 3 && x.shape.length === 4) {
        requireShape(
          'rotaryEmbedding',
          'positions',
          angles,
          [x.shape[0], time, width(x) / 2],
          'batch, time, headWidth / 2',
        );
        return tf.expandDims(angles, 1); // [B, 1, T, E/2]
      }
      requireShape('rotaryEmbedding', 'positions', angles, [time, width(x) / 2], 'time, headWidth / 2');
      return angles;
    });
    return rotaryOp({ x, cos, sin }, {});
  });
}
