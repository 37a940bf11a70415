import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, disposeModel, gpt2, llama, selectBackend } from '@tesserae/core';
import type { Gpt2Config, Model } from '@tesserae/core';
import { adamw, train } from '@tesserae/trainer';
import type { TrainingHistory, TrainOptions } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';

const size = { vocabSize: 16, hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 12 };
const still = { embeddingDropout: 0, residualDropout: 0, attentionDropout: 0 };
/** A sentence of 23 letters, again and again: with context, every next letter can be known. */
const data = Array.from({ length: 600 }, (_, i) => (7 * (i % 23) * (i % 23) + 3 * (i % 23)) % 16);
const base: TrainOptions = {
  data,
  steps: 60,
  batchSize: 4,
  optimizer: adamw({ learningRate: 0.01 }),
  progress: false,
};

async function losses(start: Model<never>, options: Partial<TrainOptions> = {}): Promise<number[]> {
  const before = tf.memory().numTensors;
  const { model, history }: { model: Model<never>; history: TrainingHistory } = await train(start, {
    ...base,
    ...options,
  });
  disposeModel(model);
  expect(tf.memory().numTensors).toBe(before);
  disposeModel(start);
  return history.steps.map(({ loss }) => loss);
}
const gpt = (config: Partial<Gpt2Config> = {}): Model<never> =>
  createModel(gpt2, { ...size, ...still, ...config }, { seed: 2 }) as unknown as Model<never>;

describe.each(['cpu', 'onnx'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({ prefer: backend, fallback: false, log: false });
  });

  it('the GPT-2 form learns a text by heart', async () => {
    const found = await losses(gpt());
    expect(found[0]).toBeGreaterThan(2.5);
    expect(found[59]).toBeLessThan(0.8);
  });

  it('the Llama form learns a text by heart', async () => {
    const form = { ...size, intermediateSize: 32, numKeyValueHeads: 1 };
    const found = await losses(createModel(llama, form, { seed: 2 }) as unknown as Model<never>);
    expect(found[0]).toBeGreaterThan(2.5);
    expect(found[59]).toBeLessThan(0.8);
  });

  it('dropout follows from the seed', async () => {
    const noisy = { residualDropout: 0.2, embeddingDropout: 0.1 };
    const one = await losses(gpt(noisy), { steps: 4 });
    const two = await losses(gpt(noisy), { steps: 4 });
    const none = await losses(gpt(), { steps: 4 });
    expect(two).toEqual(one);
    expect(one[0]).not.toBe(none[0]);
  });
});
