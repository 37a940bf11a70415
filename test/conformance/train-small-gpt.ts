import * as tf from '@tensorflow/tfjs-core';
import { createModel, disposeModel, gpt2, llama } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { adamw, cosine, train } from '@tesserae/trainer';
import type { TrainOptions } from '@tesserae/trainer';

const steps = 12;
const sizes = { vocabSize: 48, hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 4, maxPositionEmbeddings: 16 };
const noDropout = { residualDropout: 0, embeddingDropout: 0, attentionDropout: 0 };

const forms: Record<'gpt2' | 'llama', () => Model> = {
  gpt2: () => createModel(gpt2, { ...sizes, ...noDropout }, { seed: 7 }) as unknown as Model,
  llama: () =>
    createModel(llama, { ...sizes, numKeyValueHeads: 2, intermediateSize: 64 }, { seed: 7 }) as unknown as Model,
};

/** Losses and gradient norms of a short run, one pair a step. */
export interface ShortRun {
  losses: number[];
  gradientNorms: number[];
  /** Tensors that the run left behind; none. */
  leaked: number;
}

/** Trains a small transformer for a few steps on the active backend: the same run everywhere, up to rounding. */
export async function trainSmallGpt(
  form: 'gpt2' | 'llama',
  options: Pick<TrainOptions, 'precision'> = {},
): Promise<ShortRun> {
  const before = tf.memory().numTensors;
  const start = forms[form]();
  const data = Array.from({ length: 4000 }, (_, i) => (3 * i + (i >> 4)) % 24);
  const { model, history } = await train(start, {
    data,
    steps,
    batchSize: 4,
    optimizer: adamw({ learningRate: 0.01 }),
    schedule: cosine({ learningRate: 0.01, warmupSteps: 2, totalSteps: steps }),
    seed: 11,
    ...options,
    progress: false,
  });
  disposeModel(start);
  disposeModel(model);
  return {
    losses: history.steps.map((step) => step.loss),
    gradientNorms: history.steps.map((step) => step.gradientNorm),
    leaked: tf.memory().numTensors - before,
  };
}
