import * as tf from '@tensorflow/tfjs-core';
import { createCapture } from '@tesserae/core';
import type { ArchitectureConfig, Model } from '@tesserae/core';
import { problem } from '../problem';

/** Who looks at whom: the attention weights of one layer. */
export interface AttentionMap {
  /** The tokens as text. */
  readonly tokens: readonly string[];
  /** From 0. */
  readonly layer: number;
  /** heads[h][query][key], each row of a query summing to 1. */
  readonly heads: readonly (readonly Float32Array[])[];
}

/**
 * Runs a model over a text and keeps the attention weights of one layer.
 *
 * @param model a model with a tokenizer
 * @param text what it reads
 * @param layer which layer, from 0; the last when absent
 * @returns tokens and weights, plain data
 * @throws E_TOKENIZER when the model has no tokenizer; E_LAYER when there is no such layer; E_EMPTY_TEXT for no text
 * @example
 * ```ts
 * import { captureAttention, createModel, disposeModel, gpt2, selectBackend, trainCharacterTokenizer } from 'tesserae';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const tokenizer = trainCharacterTokenizer('to be or not to be');
 * const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const model = createModel(gpt2, config, { tokenizer });
 * const { tokens, heads } = captureAttention(model, 'to be');
 * console.log(tokens.length, heads.length, heads[0][4].length); // → 5 2 5
 * disposeModel(model);
 * ```
 */
export function captureAttention<C extends ArchitectureConfig>(
  model: Model<C>,
  text: string,
  layer: number = model.config.numHiddenLayers - 1,
): AttentionMap {
  const { tokenizer, architecture, config } = model;
  if (!tokenizer)
    throw problem(
      'E_TOKENIZER',
      'the model has no tokenizer',
      'give createModel a tokenizer, or load a folder that has one',
    );
  if (!(Number.isInteger(layer) && layer >= 0 && layer < config.numHiddenLayers)) {
    throw problem('E_LAYER', `the model has no layer ${layer}`, `use 0 to ${config.numHiddenLayers - 1}`);
  }
  const ids = tokenizer.encode(text).slice(0, config.maxPositionEmbeddings);
  if (ids.length === 0) throw problem('E_EMPTY_TEXT', 'the text is empty', 'give at least one character');
  const name = `layers.${layer}.attention.weights`;
  const capture = createCapture({ names: [name] });
  const weights = tf.tidy(() => {
    architecture.forward(model.params, { inputIds: tf.tensor2d(ids, [1, ids.length], 'int32') }, { config, capture });
    return capture.values[name]; // [1, H, T, T]
  });
  const [, heads, time] = weights.shape;
  const values = weights.dataSync() as Float32Array;
  weights.dispose();
  const row = (head: number, query: number): Float32Array =>
    values.slice((head * time + query) * time, (head * time + query + 1) * time);
  return {
    layer,
    tokens: Array.from(ids, (id) => tokenizer.decode([id])),
    heads: Array.from({ length: heads }, (_, head) => Array.from({ length: time }, (_, query) => row(head, query))),
  };
}
