import * as tf from '@tensorflow/tfjs-core';
import { rotaryTable } from '../nn/rotaryEmbedding';
import type { RotaryTable } from '../nn/rotaryEmbedding';
import { configError } from './checkConfig';

/** How rotary frequencies are stretched for longer contexts; beside each field its name in `rope_scaling`. */
export interface RopeScaling {
  /** `rope_type` (or `type`) */
  readonly type: 'default' | 'linear' | 'dynamic' | 'llama3' | 'yarn' | 'longrope';
  /** `factor`: how many times longer the context becomes. */
  readonly factor?: number | undefined;
  /** `original_max_position_embeddings` */
  readonly originalMaxPositionEmbeddings?: number | undefined;
  /** `low_freq_factor` (llama3) */
  readonly lowFreqFactor?: number | undefined;
  /** `high_freq_factor` (llama3) */
  readonly highFreqFactor?: number | undefined;
  /** `attention_factor` (yarn, longrope) */
  readonly attentionFactor?: number | undefined;
  /** `beta_fast` (yarn), 32 when absent */
  readonly betaFast?: number | undefined;
  /** `beta_slow` (yarn), 1 when absent */
  readonly betaSlow?: number | undefined;
  /** `mscale` (yarn) */
  readonly mscale?: number | undefined;
  /** `mscale_all_dim` (yarn) */
  readonly mscaleAllDim?: number | undefined;
  /** `truncate` (yarn), true when absent */
  readonly truncate?: boolean | undefined;
  /** `short_factor` (longrope): E/2 divisors of the frequencies, within the original length */
  readonly shortFactor?: readonly number[] | undefined;
  /** `long_factor` (longrope): beyond it */
  readonly longFactor?: readonly number[] | undefined;
}

/** What the rotary frequencies depend on. */
export interface RopeConfig {
  /** How many features of a head are turned. */
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  readonly maxPositionEmbeddings: number;
}

const needed: Readonly<Record<RopeScaling['type'], readonly (keyof RopeScaling)[]>> = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor'],
  llama3: ['factor', 'lowFreqFactor', 'highFreqFactor', 'originalMaxPositionEmbeddings'],
  yarn: [],
  longrope: [],
};

/** θ^(−2i/E) for the pairs of E features, one more feature being turned where E is odd. */
const usualFrequencies = ({ headDim, ropeTheta }: RopeConfig): number[] =>
  Array.from({ length: Math.ceil(headDim / 2) }, (_, index) => 1 / ropeTheta ** ((2 * index) / headDim));

/** How many positions the model takes: `dynamic` grows beyond those that it was trained with. */
export function positionLimit({ ropeScaling, maxPositionEmbeddings }: RopeConfig): number {
  return ropeScaling?.type === 'dynamic'
    ? Math.floor(maxPositionEmbeddings * ropeScaling.factor!)
    : maxPositionEmbeddings;
}

/** Refuses kinds of scaling that are unknown, and known ones without what they need. */
export function checkRopeScaling(architecture: string, scaling: RopeScaling | null, headDim: number): void {
  if (!scaling) return;
  if (!Object.hasOwn(needed, scaling.type)) {
    throw configError(
      architecture,
      `the rotary scaling '${String(scaling.type)}' is unknown`,
      `use one of ${Object.keys(needed).join(', ')}`,
    );
  }
  for (const name of needed[scaling.type]) {
    const value = scaling[name];
    if (typeof value !== 'number' || !(value > 0)) {
      throw configError(
        architecture,
        `ropeScaling.${name} is ${String(value)}, and '${scaling.type}' needs it`,
        'give a positive number',
      );
    }
  }
  if (scaling.type === 'yarn' && !((scaling.factor ?? scaling.originalMaxPositionEmbeddings ?? 0) > 0)) {
    throw configError(
      architecture,
      "'yarn' has neither ropeScaling.factor nor ropeScaling.originalMaxPositionEmbeddings",
      'give one of them, as a positive number',
    );
  }
  if (scaling.type === 'llama3' && !(scaling.highFreqFactor! > scaling.lowFreqFactor!)) {
    throw configError(
      architecture,
      `ropeScaling.highFreqFactor ${scaling.highFreqFactor} is not above lowFreqFactor ${scaling.lowFreqFactor}`,
      'swap them',
    );
  }
  if (scaling.type !== 'longrope') return;
  for (const name of ['shortFactor', 'longFactor'] as const) {
    const divisors: unknown = scaling[name];
    const fits = Array.isArray(divisors) && divisors.length === headDim / 2;
    if (!fits || !divisors.every((value) => typeof value === 'number' && value > 0)) {
      throw configError(
        architecture,
        `ropeScaling.${name} is ${JSON.stringify(divisors)}, and 'longrope' needs it`,
        `give ${headDim / 2} positive numbers, one for each pair of features of a head`,
      );
    }
  }
}

/**
 * The cosines and sines for these positions under a config's scaling, once for all layers.
 *
 * @param positions int32 [T] or [B, T]
 * @param config base, scaling, and how many features of a head are turned
 * @returns cos and sin, each [...positions.shape, headDim / 2]
 * @throws E_DTYPE, E_TENSOR, E_DISPOSED on bad positions
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { scaledRotaryTable } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const config = { headDim: 4, ropeTheta: 10000, ropeScaling: { type: 'linear', factor: 2 } as const, maxPositionEmbeddings: 8 };
 * const { cos } = scaledRotaryTable(tf.tensor1d([0, 2], 'int32'), config);
 * console.log(cos.dataSync()[2].toFixed(4), Math.cos(1).toFixed(4)); // → 0.5403 0.5403
 * ```
 */
export function scaledRotaryTable(positions: tf.Tensor, config: RopeConfig): RotaryTable {
  return { ...tableFor(positions, config), at: (others) => scaledRotaryTable(others, config) };
}

function tableFor(positions: tf.Tensor, config: RopeConfig): RotaryTable {
  const { ropeScaling: scaling } = config;
  if (scaling?.type === 'dynamic') return dynamicTable(positions, config, scaling);
  if (scaling?.type === 'longrope') return longropeTable(positions, config, scaling);
  const { frequencies, scale } = scaledFrequencies(config);
  return rotaryTable(positions, 2 * frequencies.length, { frequencies, scale });
}

/** Frequencies in radians a position and the factor on cosines and sines; for every kind but `dynamic` and `longrope`. */
export function scaledFrequencies(config: RopeConfig): { frequencies: number[]; scale: number } {
  const { ropeScaling: scaling } = config;
  const frequencies = usualFrequencies(config);
  switch (scaling?.type) {
    case 'linear':
      return { frequencies: frequencies.map((frequency) => frequency / scaling.factor!), scale: 1 };
    case 'llama3':
      return { frequencies: frequencies.map((frequency) => llama3Frequency(frequency, scaling)), scale: 1 };
    case 'yarn':
      return yarn(frequencies, config, scaling);
    default:
      return { frequencies, scale: 1 };
  }
}

/** Low frequencies are divided by the factor, high ones kept, those between blended. Llama 3.1's own code. */
function llama3Frequency(
  frequency: number,
  { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings }: RopeScaling,
): number {
  const turns = (originalMaxPositionEmbeddings! * frequency) / (2 * Math.PI); // in the original context
  if (turns < lowFreqFactor!) return frequency / factor!;
  if (turns > highFreqFactor!) return frequency;
  const smooth = (turns - lowFreqFactor!) / (highFreqFactor! - lowFreqFactor!);
  return ((1 - smooth) * frequency) / factor! + smooth * frequency;
}

/** Peng et al.: "YaRN: Efficient Context Window Extension of Large Language Models" (2023), section 3; as Hugging Face. */
function yarn(
  frequencies: number[],
  config: RopeConfig,
  scaling: RopeScaling,
): { frequencies: number[]; scale: number } {
  const { headDim, ropeTheta, maxPositionEmbeddings } = config;
  const original = scaling.originalMaxPositionEmbeddings ?? maxPositionEmbeddings;
  const factor = scaling.factor ?? maxPositionEmbeddings / original;
  const dimension = (rotations: number): number =>
    (headDim * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const round = scaling.truncate !== false;
  const [fast, slow] = [dimension(scaling.betaFast ?? 32), dimension(scaling.betaSlow ?? 1)];
  const low = Math.max(round ? Math.floor(fast) : fast, 0);
  const high = Math.min(round ? Math.ceil(slow) : slow, headDim - 1);
  const span = high === low ? 0.001 : high - low;
  const magnitude = (strength: number): number => (factor <= 1 ? 1 : 0.1 * strength * Math.log(factor) + 1);
  const { mscale, mscaleAllDim } = scaling;
  return {
    frequencies: frequencies.map((frequency, index) => {
      const ramp = Math.min(1, Math.max(0, (index - low) / span));
      return (frequency / factor) * ramp + frequency * (1 - ramp);
    }),
    scale:
      scaling.attentionFactor ?? (mscale && mscaleAllDim ? magnitude(mscale) / magnitude(mscaleAllDim) : magnitude(1)),
  };
}

/**
 * Dynamic NTK scaling: past the trained length n the base grows to θ · (factor · length / n − factor + 1)^(E / (E − 2)).
 * The length is that of this call, so it is a tensor.
 */
function dynamicTable(
  positions: tf.Tensor,
  { headDim, ropeTheta, maxPositionEmbeddings }: RopeConfig,
  { factor }: RopeScaling,
): RotaryTable {
  const trained = maxPositionEmbeddings;
  return tf.tidy(() => {
    const place = tf.cast(positions, 'float32');
    const length = tf.maximum(tf.add(tf.max(place), 1), trained);
    const growth = tf.log(tf.sub(tf.mul(length, factor! / trained), factor! - 1));
    const logTheta = tf.add(tf.mul(growth, headDim / (headDim - 2)), Math.log(ropeTheta)); // scalar
    const exponents = Array.from({ length: Math.ceil(headDim / 2) }, (_, index) => (-2 * index) / headDim);
    const angles = tf.mul(tf.expandDims(place, -1), tf.exp(tf.mul(tf.tensor1d(exponents), logTheta))); // [..., T, E/2]
    return { cos: tf.cos(angles), sin: tf.sin(angles) };
  });
}

/**
 * LongRoPE: each frequency has a divisor of its own, another one beyond the original length. The length is that of this
 * call, so it is a tensor. Ding et al.: "LongRoPE" (2024), section 3; as Hugging Face.
 */
function longropeTable(positions: tf.Tensor, config: RopeConfig, scaling: RopeScaling): RotaryTable {
  const { maxPositionEmbeddings } = config;
  const original = scaling.originalMaxPositionEmbeddings ?? maxPositionEmbeddings;
  const factor = scaling.factor ?? maxPositionEmbeddings / original;
  const scale = scaling.attentionFactor ?? (factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
  const frequencies = usualFrequencies(config);
  const divided = (divisors: readonly number[]): tf.Tensor =>
    tf.tensor1d(frequencies.map((frequency, index) => frequency / divisors[index])); // [E/2]
  return tf.tidy(() => {
    const place = tf.cast(positions, 'float32');
    const isLong = tf.greater(tf.add(tf.max(place), 1), original); // scalar
    const chosen = tf.where(isLong, divided(scaling.longFactor!), divided(scaling.shortFactor!));
    const angles = tf.mul(tf.expandDims(place, -1), chosen); // [..., T, E/2]
    return { cos: tf.mul(tf.cos(angles), scale), sin: tf.mul(tf.sin(angles), scale) };
  });
}
