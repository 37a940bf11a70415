import * as tf from '@tensorflow/tfjs-core';
import { createKey, foldIn, normal } from '@tesserae/core';
import type { Architecture, ArchitectureConfig, Model, ModelHead } from '@tesserae/core';
import type { Tokenizer } from '@tesserae/tokenizer';

/** Whole words as tokens, with special tokens around each text: enough of a tokenizer for tasks. */
export function wordTokenizer(words: readonly string[]): Tokenizer {
  const all = ['[PAD]', '[CLS]', '[SEP]', '[MASK]', ...words];
  const id = (word: string): number => Math.max(0, all.indexOf(word));
  const encode: Tokenizer['encode'] = (text, options = {}) => {
    const ids = text.split(' ').filter(Boolean).map(id);
    return Int32Array.from(options.addSpecialTokens === false ? ids : [1, ...ids, 2]);
  };
  const tokenizer = {
    kind: 'words',
    vocabSize: all.length,
    specialTokens: { '[PAD]': 0, '[CLS]': 1, '[SEP]': 2, '[MASK]': 3 },
    encode,
    decode: (ids: ArrayLike<number>) => Array.from(ids, (one) => all[one]).join(' '),
    tokenToId: (token: string) => (all.includes(token) ? id(token) : undefined),
    idToToken: (one: number) => all[one],
  };
  return tokenizer as unknown as Tokenizer;
}

interface Weights {
  readonly embedding: tf.Tensor2D; // [V, D]
  readonly head: tf.Tensor2D; // [D, outputs]
}

/** Each word by itself, and for sequences the mean of its words: what padding does shows at once. */
const words: Architecture = {
  name: 'words',
  configure: (config) => config as ArchitectureConfig,
  parameters: () => [],
  forward(params, { inputIds, attentionMask }, { config }) {
    const { embedding, head } = params as unknown as Weights;
    const [batch, time] = inputIds.shape as [number, number];
    const flat = tf.gather(embedding, tf.reshape(inputIds, [batch * time]) as tf.Tensor1D); // [N, D]
    const hiddenStates = tf.reshape(flat, [batch, time, config.hiddenSize]); // [B, T, D]
    if (config.head === 'sequence-classification') {
      const weight = tf.expandDims(tf.cast(attentionMask!, 'float32'), 2); // [B, T, 1]
      const mean = tf.div(tf.sum(tf.mul(hiddenStates, weight), 1), tf.sum(weight, 1)); // [B, D]
      return { logits: tf.matMul(mean, head) };
    }
    return { logits: tf.reshape(tf.matMul(flat, head), [batch, time, head.shape[1]]), hiddenStates };
  },
};

/** A model of words, with drawn weights. */
export function wordModel(tokenizer: Tokenizer, head: ModelHead, outputs: number, more: object = {}): Model {
  const hiddenSize = 6;
  const config: ArchitectureConfig = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize,
    numHiddenLayers: 1,
    numAttentionHeads: 1,
    maxPositionEmbeddings: 12,
    head,
    ...more,
  };
  const draw = (place: number, shape: [number, number]): tf.Tensor2D =>
    tf.tensor2d(normal(foldIn(createKey(3), place), shape[0] * shape[1], 0, 1), shape);
  const params = { embedding: draw(0, [tokenizer.vocabSize, hiddenSize]), head: draw(1, [hiddenSize, outputs]) };
  return { architecture: words, config, params, tokenizer };
}
