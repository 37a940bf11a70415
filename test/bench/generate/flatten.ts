import type { Tensor } from '@tensorflow/tfjs-core';

/** A weight by its values. */
export interface PlainWeight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Weights by their path: `layers.0.attention.query.weight`. */
export type PlainWeights = ReadonlyMap<string, PlainWeight>;

/** The weights of a tree of parameters. */
export function flatten(tree: unknown, at = '', into = new Map<string, PlainWeight>()): PlainWeights {
  for (const [key, value] of Object.entries(tree as Record<string, unknown>)) {
    const path = at ? `${at}.${key}` : key;
    const tensor = value as Partial<Tensor>;
    if (tensor.dataId && tensor.shape)
      into.set(path, { shape: tensor.shape, values: tensor.dataSync!() as Float32Array });
    else if (typeof value === 'object' && value !== null) flatten(value, path, into);
  }
  return into;
}

/** [rows, columns] → [columns, rows]. */
export function transposed({ shape: [rows, columns], values }: PlainWeight): PlainWeight {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column];
  return { shape: [columns, rows], values: out };
}
