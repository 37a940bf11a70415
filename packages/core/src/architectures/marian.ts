/**
 * The Marian form. Junczys-Dowmunt et al.: "Marian: Fast Neural Machine Translation in C++" (2018); as Hugging Face's
 * `MarianMTModel`. BART's layers with fixed sines for positions and no norm on the embeddings; a bias on the logits; source
 * and target may have vocabularies of their own.
 */
import type { Architecture } from '../model/types';
import { bartDefaults, checkBart } from './bartConfig';
import type { BartConfig } from './bartConfig';
import { defineBart } from './bartModel';
import { completeConfig } from './checkConfig';
import { headDefaults } from './stacks/heads';

/** The Marian form: the fields of BART. */
export type MarianConfig = BartConfig;

function configure(given: Partial<MarianConfig>): MarianConfig {
  const special = {
    padTokenId: 58100,
    eosTokenId: 0,
    bosTokenId: null,
    decoderStartTokenId: 58100,
    forcedEosTokenId: 0,
  };
  const defaults: MarianConfig = {
    ...bartDefaults,
    ...special,
    vocabSize: 58101,
    ...headDefaults('sequence-to-sequence'),
  };
  const config = completeConfig('marian', defaults, given);
  checkBart('marian', config, ['sequence-to-sequence', 'none']);
  return config;
}

/**
 * The Marian form of the encoder-decoder: the translators of the OPUS-MT project.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, marian } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, padTokenId: 9, decoderStartTokenId: 9, hiddenSize: 8, numHiddenLayers: 1, numDecoderLayers: 1 };
 * const more = { numAttentionHeads: 2, numDecoderAttentionHeads: 2, intermediateSize: 16, decoderIntermediateSize: 16 };
 * const { params, config } = createModel(marian, { ...size, ...more, maxPositionEmbeddings: 8 });
 * const inputIds = tf.tensor2d([[5, 6, 0]], [1, 3], 'int32');
 * const decoderInputIds = tf.tensor2d([[9, 4]], [1, 2], 'int32');
 * console.log(marian.forward(params, { inputIds, decoderInputIds }, { config }).logits.shape); // → [ 1, 2, 10 ]
 * ```
 */
export const marian: Architecture<MarianConfig> = /* @__PURE__ */ defineBart(
  { name: 'marian', configure, shiftsInput: [] },
  { embeddingNorm: false },
);
