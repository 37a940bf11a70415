/**
 * The DistilBERT form. Sanh et al.: "DistilBERT, a distilled version of BERT" (2019), section 3; as Hugging Face's
 * `DistilBertForSequenceClassification` and its siblings. BERT with half the layers, without segments and pooler;
 * positions are learned, or a fixed table of sines.
 */
import type { Architecture } from '../model/types';
import { configureDistilbert } from './distilbertConfig';
import type { DistilbertConfig } from './distilbertConfig';
import { defineEncoder } from './stacks/encoder';

/**
 * The DistilBERT form of the encoder.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, distilbert } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const { params, config } = createModel(distilbert, { ...size, head: 'question-answering' }, { seed: 1 });
 * const inputIds = tf.tensor2d([[2, 5, 6, 3]], [1, 4], 'int32');
 * console.log(distilbert.forward(params, { inputIds }, { config }).logits.shape); // → [ 1, 4, 2 ]
 * ```
 */
export const distilbert: Architecture<DistilbertConfig> = /* @__PURE__ */ defineEncoder<DistilbertConfig>({
  name: 'distilbert',
  configure: configureDistilbert,
  positionLimit: (config) => config.maxPositionEmbeddings,
  settings: (config) => ({
    epsilon: 1e-12,
    hiddenDropout: config.hiddenDropout,
    attendedDropout: 0,
    attentionDropout: config.attentionDropout,
    languageAct: config.hiddenAct,
    classifierAct: 'relu',
    dropsFirst: false,
    sequenceDropout: config.classifierDropout,
    tokenDropout: config.hiddenDropout,
    spanDropout: config.questionDropout,
  }),
  names: {
    tokenEmbedding: 'distilbert.embeddings.word_embeddings',
    positionEmbedding: 'distilbert.embeddings.position_embeddings',
    tokenTypeEmbedding: '',
    embeddingNorm: 'distilbert.embeddings.LayerNorm',
    layers: 'distilbert.transformer.layer',
    layer: {
      query: 'attention.q_lin',
      key: 'attention.k_lin',
      value: 'attention.v_lin',
      output: 'attention.out_lin',
      attentionNorm: 'sa_layer_norm',
      up: 'ffn.lin1',
      down: 'ffn.lin2',
      feedForwardNorm: 'output_layer_norm',
    },
    languageHead: {
      dense: 'vocab_transform',
      norm: 'vocab_layer_norm',
      bias: 'vocab_projector',
      output: 'vocab_projector',
    },
    classifierDense: 'pre_classifier',
    sequenceOutput: 'classifier',
    tokenOutput: 'classifier',
    span: 'qa_outputs',
  },
});
