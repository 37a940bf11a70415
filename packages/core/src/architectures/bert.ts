/**
 * The BERT form. Devlin et al.: "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding" (2019),
 * section 3; as Hugging Face's `BertForMaskedLM` and its siblings. Tokens, learned positions and segments, summed and
 * normed; layers that look both ways, normed after each sum; for sentences the first token through a matrix and tanh.
 */
import type { Architecture } from '../model/types';
import { configureBert } from './bertConfig';
import type { BertConfig } from './bertConfig';
import { defineEncoder } from './stacks/encoder';
import type { EncoderSettings } from './stacks/encoder';
import type { PostNormNames } from './stacks/postNormLayer';

/** What the parts of a layer are called. */
export const bertLayerNames: PostNormNames = {
  query: 'attention.self.query',
  key: 'attention.self.key',
  value: 'attention.self.value',
  output: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  up: 'intermediate.dense',
  down: 'output.dense',
  feedForwardNorm: 'output.LayerNorm',
};

/** How much is dropped where. */
export function bertSettings(config: BertConfig): EncoderSettings {
  const classifierDropout = config.classifierDropout ?? config.hiddenDropout;
  return {
    epsilon: config.layerNormEpsilon,
    hiddenDropout: config.hiddenDropout,
    attendedDropout: config.hiddenDropout,
    attentionDropout: config.attentionDropout,
    languageAct: config.hiddenAct,
    classifierAct: 'tanh',
    dropsFirst: false,
    sequenceDropout: classifierDropout,
    tokenDropout: classifierDropout,
    spanDropout: 0,
  };
}

/**
 * The BERT form of the encoder: BERT and most sentence embedders.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { bert, createModel } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const { params, config } = createModel(bert, { ...size, head: 'sequence-classification', numLabels: 3 }, { seed: 1 });
 * const inputIds = tf.tensor2d([[2, 5, 6, 3]], [1, 4], 'int32');
 * console.log(bert.forward(params, { inputIds }, { config }).logits.shape); // → [ 1, 3 ]
 * ```
 */
export const bert: Architecture<BertConfig> = /* @__PURE__ */ defineEncoder<BertConfig>({
  name: 'bert',
  configure: (given) => configureBert(given),
  positionLimit: (config) => config.maxPositionEmbeddings,
  settings: bertSettings,
  names: {
    tokenEmbedding: 'bert.embeddings.word_embeddings',
    positionEmbedding: 'bert.embeddings.position_embeddings',
    tokenTypeEmbedding: 'bert.embeddings.token_type_embeddings',
    embeddingNorm: 'bert.embeddings.LayerNorm',
    layers: 'bert.encoder.layer',
    layer: bertLayerNames,
    pooler: { name: 'bert.pooler.dense', inClassifier: true },
    languageHead: {
      dense: 'cls.predictions.transform.dense',
      norm: 'cls.predictions.transform.LayerNorm',
      bias: 'cls.predictions',
      output: 'cls.predictions.decoder',
    },
    sequenceOutput: 'classifier',
    tokenOutput: 'classifier',
    span: 'qa_outputs',
  },
});
