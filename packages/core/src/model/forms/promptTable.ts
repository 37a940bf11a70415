/**
 * A table of embeddings with more rows behind it, which stand for virtual tokens: ids from V up.
 *
 * Lester et al.: "The Power of Scale for Parameter-Efficient Prompt Tuning" (2021), section 2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { embed } from '../../nn/embed';
import { linear } from '../../nn/linear';
import { requireShape, requireTensor } from '../../nn/shapes';
import { isWeightForm, weightOperations, weightSymbol } from '../weight';
import type { Weight, WeightForm, WeightOperations } from '../weight';
import { denseOf, innerStructure, innerTensors, weightShape, withInnerTensors } from './inner';

/** A table [V, D] with n rows of virtual tokens behind it; see {@link promptTable}. */
export interface PromptTable extends WeightForm {
  readonly base: Weight; // [V, D]
  readonly prompt: tf.Tensor; // [n, D]
  /** What the architecture multiplies embeddings with, which the prompt's rows are not to be. */
  readonly embeddingScale: number;
}

function applyEmbed({ base, prompt, embeddingScale }: PromptTable, ids: tf.Tensor): tf.Tensor {
  const [vocabulary] = weightShape(base);
  return tf.tidy(() => {
    const first = tf.scalar(vocabulary, 'int32');
    const isVirtual = tf.greaterEqual(ids, first); // [...]
    const rows = embed(tf.minimum(ids, tf.sub(first, tf.scalar(1, 'int32'))), base); // [..., D]
    const own = embed(tf.maximum(tf.sub(ids, first), tf.scalar(0, 'int32')), prompt); // [..., D]
    const share = tf.expandDims(tf.cast(isVirtual, 'float32'), -1); // [..., 1]
    const virtual = tf.mul(own, tf.mul(share, 1 / embeddingScale)); // [..., D]
    return tf.add(tf.mul(rows, tf.sub(1, share)), virtual);
  });
}

/** The operations of tables with virtual tokens; see {@link promptTable}. */
export const promptTableOperations: WeightOperations<PromptTable> = {
  kind: 'prompt-table',
  shape: ({ base }) => weightShape(base),
  linear: ({ base }, x, options) => linear(x, base, options), // a tied output knows real tokens alone
  embed: applyEmbed,
  toDense: ({ base }) => tf.tidy(() => tf.clone(denseOf(base))),
  tensors: ({ base, prompt }) => ({ ...innerTensors(base), prompt }),
  withTensors: (weight, tensors) => ({
    ...weight,
    base: withInnerTensors(weight.base, tensors),
    prompt: tensors.prompt,
  }),
  structure: ({ base, embeddingScale }) => `${embeddingScale},${innerStructure(base)}`,
  trainable: () => ['prompt'],
};

/**
 * Puts rows for virtual tokens behind a table of embeddings: id V + i is row i of the prompt. A product with the table (a
 * tied output) takes the real tokens alone. {@link withVirtualTokens} gives an architecture that reads them.
 *
 * @param base the table [V, D], or a form
 * @param prompt [n, D]
 * @param embeddingScale what the architecture multiplies embeddings with; 1 when absent
 * @returns the weight; it holds the given tensors, it does not copy them
 * @throws E_SHAPE when the widths differ; E_TENSOR, E_DTYPE, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { embed, promptTable } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const table = promptTable(tf.tensor2d([[1], [2]]), tf.tensor2d([[7]]));
 * console.log(Array.from(embed(tf.tensor1d([2, 0], 'int32'), table).dataSync())); // → [ 7, 1 ]
 * ```
 */
export function promptTable(base: Weight, prompt: tf.Tensor, embeddingScale = 1): PromptTable {
  requireTensor('promptTable', 'prompt', prompt);
  requireShape('promptTable', 'prompt', prompt, [null, weightShape(base)[1]], 'virtual tokens, width');
  return { [weightSymbol]: promptTableOperations as never, base, prompt, embeddingScale };
}

/**
 * Whether a weight is a table with virtual tokens.
 *
 * @param weight any weight
 * @returns true for what {@link promptTable} made
 * @example
 * ```ts
 * import { isPromptTable } from '@tesserae/core';
 * console.log(isPromptTable(undefined)); // → false
 * ```
 */
export function isPromptTable(weight: Weight | undefined): weight is PromptTable {
  return isWeightForm(weight) && weightOperations(weight).kind === promptTableOperations.kind;
}
