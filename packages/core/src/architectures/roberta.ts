/**
 * The RoBERTa form. Liu et al.: "RoBERTa: A Robustly Optimized BERT Pretraining Approach" (2019); as Hugging Face's
 * `RobertaForMaskedLM` and its siblings. BERT's body; positions count from the padding token's id, past padding only;
 * sentences are classified by two matrices on the first token.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/types';
import { bertLayerNames, bertSettings } from './bert';
import { bertDefaults, configureBert } from './bertConfig';
import type { BertConfig } from './bertConfig';
import { configError } from './checkConfig';
import { defineEncoder } from './stacks/encoder';
import type { Stack } from './stacks/stack';

/** The RoBERTa form: the fields of BERT. */
export type RobertaConfig = BertConfig;

function configure(given: Partial<RobertaConfig>): RobertaConfig {
  const defaults = { ...bertDefaults, vocabSize: 50265, padTokenId: 1, bosTokenId: 0, eosTokenId: 2 };
  const config = configureBert(given, 'roberta', defaults);
  if (typeof config.padTokenId !== 'number')
    throw configError('roberta', 'padTokenId is null', 'give the padding token: positions count from it');
  if (positionLimit(config) < 1) {
    throw configError(
      'roberta',
      `${config.maxPositionEmbeddings} positions, of which ${config.padTokenId + 1} are not used`,
      `use more than ${config.padTokenId + 1} positions`,
    );
  }
  return config;
}

/** The rows up to the padding token's are not used. */
function positionLimit({ maxPositionEmbeddings, padTokenId }: RobertaConfig): number {
  return maxPositionEmbeddings - padTokenId! - 1;
}

/** Real tokens are numbered from pad + 1, padding stays at pad: int32 [B, T]. */
function positions(ids: tf.Tensor, stack: Stack, { padTokenId: pad }: RobertaConfig): tf.Tensor {
  const real = tf.cast(tf.notEqual(ids, tf.scalar(pad!, 'int32')), 'float32'); // [B, T]
  const count = countInSequence(tf.cumsum(real, 1), real, stack); // [B, T]
  const before = stack.queryOffset ? tf.cast(stack.queryOffset, 'float32') : 0;
  return tf.cast(tf.add(tf.mul(tf.add(count, before), real), pad!), 'int32');
}

/** How many of a token's own sequence are real up to it: what was counted before the sequence is taken off. */
function countInSequence(count: tf.Tensor, real: tf.Tensor, { packed, batch, time }: Stack): tf.Tensor {
  if (!packed) return count;
  const from = tf.reshape(tf.slice(packed.spans, [0, 0, 0], [batch, time, 1]), [batch, time]); // [B, T]
  const row = tf.reshape(tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(time, 'int32')), [batch, 1]);
  const before = tf.gather(tf.reshape(tf.sub(count, real), [-1]) as tf.Tensor1D, tf.add(from, row) as tf.Tensor2D);
  return tf.sub(count, before); // [B, T]
}

/**
 * The RoBERTa form of the encoder: RoBERTa, XLM-RoBERTa's layout, many multilingual sentence embedders.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, roberta } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const { params, config } = createModel(roberta, size, { seed: 1 });
 * const inputIds = tf.tensor2d([[0, 5, 6, 2]], [1, 4], 'int32');
 * console.log(roberta.forward(params, { inputIds }, { config }).logits.shape); // → [ 1, 4, 10 ]
 * ```
 */
export const roberta: Architecture<RobertaConfig> = /* @__PURE__ */ defineEncoder<RobertaConfig>({
  name: 'roberta',
  configure,
  positionLimit,
  positions,
  positionPadding: ({ padTokenId }) => padTokenId!,
  settings: (config) => ({ ...bertSettings(config), languageAct: 'gelu', dropsFirst: true }),
  names: {
    tokenEmbedding: 'roberta.embeddings.word_embeddings',
    positionEmbedding: 'roberta.embeddings.position_embeddings',
    tokenTypeEmbedding: 'roberta.embeddings.token_type_embeddings',
    embeddingNorm: 'roberta.embeddings.LayerNorm',
    layers: 'roberta.encoder.layer',
    layer: bertLayerNames,
    pooler: { name: 'roberta.pooler.dense', inClassifier: false },
    languageHead: {
      dense: 'lm_head.dense',
      norm: 'lm_head.layer_norm',
      bias: 'lm_head',
      output: 'lm_head.decoder',
    },
    classifierDense: 'classifier.dense',
    sequenceOutput: 'classifier.out_proj',
    tokenOutput: 'classifier',
    span: 'qa_outputs',
  },
});
