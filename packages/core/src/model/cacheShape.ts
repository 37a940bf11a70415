import type { ArchitectureConfig, CacheShape, Model } from './types';

/**
 * What a model's key-value cache must hold: layers, key/value heads and features per head; of an encoder-decoder those of
 * the decoder's self-attention.
 *
 * @param model any model
 * @returns the sizes for `createKeyValueCache`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { cacheShapeOf, createModel, gpt2 } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const model = createModel(gpt2, { vocabSize: 8, hiddenSize: 8, numHiddenLayers: 3, numAttentionHeads: 2, maxPositionEmbeddings: 4 });
 * console.log(cacheShapeOf(model)); // → { layers: 3, heads: 2, headDim: 4 }
 * ```
 */
export function cacheShapeOf<C extends ArchitectureConfig>({
  architecture,
  config,
}: Pick<Model<C>, 'architecture' | 'config'>): CacheShape {
  if (architecture.cacheShape) return architecture.cacheShape(config);
  const { numHiddenLayers: layers, numAttentionHeads, hiddenSize } = config;
  return {
    layers,
    heads: config.numKeyValueHeads ?? numAttentionHeads,
    headDim: config.headDim ?? hiddenSize / numAttentionHeads,
  };
}
