import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkOptions, rules } from '../options';
import { AVERAGE_SLOT } from './averaged';
import type { Optimizer, OptimizerState } from './optimizer';

/** Options of {@link eightBit}. */
export interface EightBitOptions {
  /** Numbers that share a scale: 256. */
  readonly blockSize?: number;
  /** Tensors with fewer numbers stay in float32: 4,096. */
  readonly minimumSize?: number;
}

/**
 * Keeps an optimizer's memory in 8 bits a number: a quarter of the bytes.
 *
 * Numbers are scaled by the largest of their block and stored as the fourth root of what is left, which keeps about nine
 * powers of ten apart: x ≈ largest · sign(c) · (|c| / 127)⁴, and (c / 255)⁴ where nothing is negative. What is not zero
 * never becomes zero, so that Adam never divides by nothing. Four codes stand in one int32. Averages of parameters
 * (`averaged`) and small tensors stay as they are.
 *
 * @param optimizer the optimizer whose memory is narrowed
 * @param options numbers a block, and which tensors are too small to bother
 * @returns an optimizer that computes in float32 and remembers in 8 bits
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Dettmers et al., "8-bit Optimizers via Block-wise Quantization" (2022), section 2; their codes come from a
 * table, these from a root.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { adamw, eightBit } from '@tesserae/trainer';
 * const bytes = (state: Record<string, readonly tf.Tensor[]>): number =>
 *   Object.values(state).flat().reduce((sum, tensor) => sum + 4 * tensor.size, 0);
 * const parameters = [tf.zeros([256, 256])];
 * const [wide, narrow] = [adamw(), eightBit(adamw())].map((optimizer) => bytes(optimizer.init(parameters)));
 * console.log((narrow / wide).toFixed(3)); // → 0.254
 * ```
 */
export function eightBit(optimizer: Optimizer, options: EightBitOptions = {}): Optimizer {
  checkOptions<EightBitOptions>('eightBit', options, {
    blockSize: rules.positiveInteger,
    minimumSize: rules.nonNegativeInteger,
  });
  const { blockSize = 256, minimumSize = 4096 } = options;
  const isPositive = (slot: string): boolean =>
    (optimizer.positiveSlots ?? []).some((name) => slot === name || slot.endsWith(`.${name}`));
  const wide = (slot: string, { size }: { size: number }): boolean => slot === AVERAGE_SLOT || size < minimumSize;

  /** Each slot becomes three: what stays wide, codes, and the largest number of each block. */
  const pack = (state: OptimizerState): OptimizerState => {
    const packed: Record<string, Tensor[]> = {};
    for (const [slot, tensors] of Object.entries(state)) {
      const narrow = tensors.filter((tensor) => !wide(slot, tensor)).map((x) => encode(x, blockSize, isPositive(slot)));
      packed[slot] = tensors.filter((tensor) => wide(slot, tensor));
      packed[`${slot}:codes`] = narrow.map(({ codes }) => codes);
      packed[`${slot}:scales`] = narrow.map(({ scales }) => scales);
    }
    return packed;
  };
  /** The opposite; the shapes are those of a fresh state. */
  const unpack = (packed: OptimizerState, shapes: ReadonlyMap<string, readonly number[][]>): OptimizerState => {
    const state: Record<string, Tensor[]> = {};
    for (const [slot, wanted] of shapes) {
      let [stored, coded] = [0, 0];
      state[slot] = wanted.map((shape) => {
        const size = shape.reduce((product, n) => product * n, 1);
        if (wide(slot, { size })) return packed[slot][stored++];
        const [codes, scales] = [packed[`${slot}:codes`][coded], packed[`${slot}:scales`][coded++]];
        return decode(codes, scales, shape, blockSize, isPositive(slot));
      });
    }
    return state;
  };

  return {
    ...optimizer,
    name: `8-bit ${optimizer.name}`,
    hyperparameters: { ...optimizer.hyperparameters, blockSize, minimumSize },
    init: (parameters, names) => pack(optimizer.init(parameters, names)),
    update(gradients, state, parameters, context) {
      const fresh = shapesOf(optimizer, parameters, context.names);
      const next = optimizer.update(gradients, unpack(state, fresh), parameters, context);
      return { parameters: next.parameters, state: pack(next.state) };
    },
  };
}

/** The shapes of a fresh state, slot by slot. */
function shapesOf(
  optimizer: Optimizer,
  parameters: readonly Tensor[],
  names: readonly string[] | undefined,
): Map<string, number[][]> {
  const shapes = new Map<string, number[][]>();
  tf.tidy(() => {
    for (const [slot, tensors] of Object.entries(optimizer.init(parameters, names)))
      shapes.set(
        slot,
        tensors.map(({ shape }) => shape.slice()),
      );
  });
  return shapes;
}

const [BYTE, TWO, THREE] = [256, 65_536, 16_777_216];

/** Codes of a tensor, four in an int32, and the largest number of each block. */
function encode(x: Tensor, blockSize: number, positive: boolean): { codes: Tensor; scales: Tensor } {
  const blocks = 4 * Math.ceil(x.size / (4 * blockSize)); // in fours, so that a quarter of the codes is whole blocks
  const padded = tf.pad(tf.reshape(x, [x.size]), [[0, blocks * blockSize - x.size]]);
  const rows = tf.reshape(padded, [blocks, blockSize]);
  const scales = tf.max(tf.abs(rows), 1, true); // [blocks, 1]
  const share = tf.div(rows, tf.maximum(scales, 1e-38)); // [-1, 1]
  const root = tf.sqrt(tf.sqrt(tf.abs(share)));
  const top = positive ? 255 : 127;
  const some = tf.cast(tf.greater(root, 0), 'float32');
  const size = tf.maximum(tf.round(tf.mul(root, top)), some); // 0 only for 0
  const code = tf.cast(positive ? size : tf.add(tf.mul(size, tf.sign(share)), 128), 'int32'); // 0 … 255
  const [a, b, c, d] = tf.split(tf.reshape(code, [blocks * blockSize]), 4) as [Tensor, Tensor, Tensor, Tensor];
  const by = (codes: Tensor, factor: number): Tensor => tf.mul(codes, tf.scalar(factor, 'int32'));
  const high = by(tf.sub(d, tf.scalar(128, 'int32')), THREE); // the sign bit is a bit of d
  return { codes: tf.add(tf.add(a, by(b, BYTE)), tf.add(by(c, TWO), high)), scales };
}

/** The tensor that codes and scales stand for. */
function decode(codes: Tensor, scales: Tensor, shape: readonly number[], blockSize: number, positive: boolean): Tensor {
  const int = (value: number): Tensor => tf.scalar(value, 'int32');
  const high = tf.floorDiv(codes, int(THREE)); // -128 … 127
  const three = tf.sub(codes, tf.mul(high, int(THREE))); // 0 … 2²⁴ - 1
  const c = tf.floorDiv(three, int(TWO));
  const two = tf.sub(three, tf.mul(c, int(TWO)));
  const b = tf.floorDiv(two, int(BYTE));
  const a = tf.sub(two, tf.mul(b, int(BYTE)));
  const code = tf.cast(tf.concat([a, b, c, tf.add(high, int(128))]), 'float32'); // 0 … 255
  const share = positive ? tf.div(code, 255) : tf.div(tf.sub(code, 128), 127);
  const power = positive ? tf.square(tf.square(share)) : tf.mul(tf.mul(share, tf.abs(share)), tf.square(share));
  const rows = tf.mul(tf.reshape(power, [scales.shape[0], blockSize]), scales);
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.reshape(tf.slice(tf.reshape(rows, [rows.size]), 0, size), shape.slice());
}
