/**
 * The BART form. Lewis et al.: "BART: Denoising Sequence-to-Sequence Pre-training for Natural Language Generation,
 * Translation, and Comprehension" (2020), section 2.1; as Hugging Face's `BartForConditionalGeneration` and its siblings.
 * Learned positions, from row 2 of their table; a norm after the embeddings and after each sum.
 */
import type { Architecture } from '../model/types';
import { configureBart } from './bartConfig';
import type { BartConfig } from './bartConfig';
import { defineBart } from './bartModel';

/**
 * The BART form of the encoder-decoder.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { bart, createModel } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, numHiddenLayers: 1, numDecoderLayers: 1, numAttentionHeads: 2, numDecoderAttentionHeads: 2 };
 * const { params, config } = createModel(bart, { ...size, intermediateSize: 16, decoderIntermediateSize: 16, maxPositionEmbeddings: 8 });
 * const inputIds = tf.tensor2d([[0, 5, 6, 2]], [1, 4], 'int32');
 * const decoderInputIds = tf.tensor2d([[2, 0]], [1, 2], 'int32');
 * console.log(bart.forward(params, { inputIds, decoderInputIds }, { config }).logits.shape); // → [ 1, 2, 10 ]
 * ```
 */
export const bart: Architecture<BartConfig> = /* @__PURE__ */ defineBart(
  {
    name: 'bart',
    configure: configureBart,
    shiftsInput: ['sequence-to-sequence', 'sequence-classification', 'question-answering', 'none'],
  },
  { positionOffset: 2, embeddingNorm: true },
);
