import * as tf from '@tensorflow/tfjs-core';
import { createKey, foldIn, normal, paramTensors, unflattenParams } from '@tesserae/core';
import type { Architecture, ArchitectureConfig, Model, ParameterSpec } from '@tesserae/core';
import type { Tokenizer } from '@tesserae/tokenizer';

interface TinyConfig extends ArchitectureConfig {
  readonly vocabSize: number;
}

const specs = ({ vocabSize: V, hiddenSize: D }: TinyConfig): ParameterSpec[] => {
  const draw = { kind: 'normal', standardDeviation: 0.3 } as const;
  return [
    { path: 'embedding', shape: [V, D], checkpointName: 'tiny.embedding', initialization: draw, decay: true },
    { path: 'layers.0.weight', shape: [D, D], checkpointName: 'tiny.0.weight', initialization: draw, decay: true },
    { path: 'layers.0.bias', shape: [D], checkpointName: 'tiny.0.bias', initialization: draw, decay: false },
    { path: 'head', shape: [D, V], checkpointName: 'tiny.head', initialization: draw, decay: true },
  ];
};

interface TinyParams {
  embedding: tf.Tensor2D;
  layers: { weight: tf.Tensor2D; bias: tf.Tensor1D }[];
  head: tf.Tensor2D;
}

/** The smallest thing that trains like a language model: predicts the next token from the present one alone. */
export const tiny: Architecture<TinyConfig> = {
  name: 'tiny',
  configure: (config) => config as TinyConfig,
  parameters: specs,
  forward(params, { inputIds }, { config }) {
    const { embedding, layers, head } = params as unknown as TinyParams;
    const [B, T] = inputIds.shape;
    const x = tf.gather(embedding, tf.reshape(inputIds, [B * T])); // [N,D]
    const h = tf.tanh(tf.add(tf.matMul(x, layers[0].weight), layers[0].bias)); // [N,D]
    return { logits: tf.reshape(tf.matMul(h, head), [B, T, config.vocabSize]) };
  },
};

export const tinyConfig: TinyConfig = {
  vocabSize: 12,
  hiddenSize: 8,
  numHiddenLayers: 1,
  numAttentionHeads: 1,
  maxPositionEmbeddings: 16,
};

/** A model of the tiny architecture. */
export function tinyModel(config: Partial<TinyConfig> = {}, tokenizer?: Tokenizer): Model<TinyConfig> {
  const full = { ...tinyConfig, ...config };
  const params = unflattenParams(
    specs(full).map(({ path, shape }, i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [path, tf.tensor(normal(foldIn(createKey(1), i), size, 0, 0.3), [...shape])] as const;
    }),
  );
  return { architecture: tiny, config: full, params, ...(tokenizer ? { tokenizer } : {}) };
}

/** Ids with a rule that can be learned: mostly the next number, sometimes a jump. */
export const tinyIds = (length: number, vocabSize = 12): Int32Array => {
  const ids = new Int32Array(length);
  for (let i = 1; i < length; i++) ids[i] = (ids[i - 1] + (i % 7 === 0 ? 5 : 1)) % vocabSize;
  return ids;
};

/** All parameters of a model as numbers. */
export const parameterValues = (model: Model<TinyConfig>): number[][] => {
  const { embedding, layers, head } = model.params as unknown as TinyParams;
  return [embedding, layers[0].weight, layers[0].bias, head].map((tensor) => Array.from(tensor.dataSync()));
};

/** Frees a model's tensors. */
export const disposeModel = ({ params }: Pick<Model, 'params'>): void => tf.dispose(paramTensors(params));
