import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { StatisticsRecord, TensorStatistics } from './history';

/** What is measured of a tensor and its gradient, as the compiled step gives it: sums, so that tensors can be put together. */
const COLUMNS = 8;

/**
 * Measures gradients and weights; a part of the compiled step.
 *
 * @returns [P, 8]: Σg², Σg, max |g|, Σw², Σw, max |w|, Σ(w - w₀)², Σw₀², w after and w₀ before the update
 */
export function measure(gradients: readonly Tensor[], before: readonly Tensor[], after: readonly Tensor[]): Tensor {
  const squares = (x: Tensor): Tensor => tf.sum(tf.square(x)); // []
  const largest = (x: Tensor): Tensor => tf.max(tf.abs(x)); // []
  const rows = gradients.map((gradient, i) => {
    const [old, now] = [before[i], after[i]];
    return tf.stack([
      squares(gradient),
      tf.sum(gradient),
      largest(gradient),
      squares(now),
      tf.sum(now),
      largest(now),
      squares(tf.sub(now, old)),
      squares(old),
    ]); // [8]
  });
  return tf.stack(rows); // [P, 8]
}

/** The measurements of a step as they are reported, tensor by tensor and layer by layer. */
export function statisticsRecord(
  step: number,
  values: ArrayLike<number>,
  paths: readonly string[],
  sizes: readonly number[],
): StatisticsRecord {
  const groups = new Map<string, number[]>();
  paths.forEach((path, i) => {
    const layer = layerOf(path);
    groups.set(layer, [...(groups.get(layer) ?? []), i]);
  });
  const summary = (members: readonly number[]): TensorStatistics => summarize(values, sizes, members);
  return {
    step,
    tensors: Object.fromEntries(paths.map((path, i) => [path, summary([i])])),
    layers: Object.fromEntries([...groups].map(([layer, members]) => [layer, summary(members)])),
  };
}

/** `encoder.layers.1` for `encoder.layers.1.attention.query.weight`; tensors outside of layers are their own. */
export const layerOf = (path: string): string => /^(?:.*?\.)?layers\.\d+(?=\.)/.exec(path)?.[0] ?? path;

function summarize(values: ArrayLike<number>, sizes: readonly number[], members: readonly number[]): TensorStatistics {
  const column = (at: number): number[] => members.map((i) => values[i * COLUMNS + at]);
  const sum = (at: number): number => column(at).reduce((a, b) => a + b);
  const largest = (at: number): number => column(at).reduce((a, b) => (Number.isNaN(a) || a > b ? a : b));
  const size = members.reduce((all, i) => all + sizes[i], 0);
  const [update, before] = [Math.sqrt(sum(6)), Math.sqrt(sum(7))];
  return {
    gradientNorm: Math.sqrt(sum(0)),
    gradientMean: sum(1) / size,
    gradientMaximum: largest(2),
    weightNorm: Math.sqrt(sum(3)),
    weightMean: sum(4) / size,
    weightMaximum: largest(5),
    updateRatio: update === 0 ? 0 : update / before, // weights that were all zero: infinite
    size,
  };
}
