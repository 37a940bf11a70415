import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createKey, createModel, disposeModel, flattenParams, gpt2 } from '@tesserae/core';
import type { Architecture, Gpt2Config } from '@tesserae/core';
import { adafactor, adamw, averaged, createTrainingStep, lion, muon, sgd } from '@tesserae/trainer';
import type { Optimizer } from '@tesserae/trainer';
import { beforeAll, expect, it } from 'vitest';

beforeAll(() => tf.setBackend('cpu'));

const frozen = 'layers.0.feedForward.up.weight';
const size = { vocabSize: 9, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 4 };
const architecture: Architecture<Gpt2Config> = {
  ...gpt2,
  parameters: (config) =>
    gpt2.parameters(config).map((spec) => (spec.path === frozen ? { ...spec, trainable: false, decay: true } : spec)),
};
const batch = {
  inputIds: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  labels: Int32Array.of(2, 3, 4, 5, 6, 7, 8, 1),
};
/** Moves every parameter, whatever it is told. */
const restless: Optimizer = {
  ...sgd(),
  name: 'restless',
  update: (_gradients, state, parameters) => ({ parameters: parameters.map((one) => tf.add(one, 0.1)), state }),
};

it.each<[string, () => Optimizer]>([
  ['adamw', () => adamw({ weightDecay: 0.5 })],
  ['sgd with momentum', () => sgd({ weightDecay: 0.5, momentum: 0.9 })],
  ['lion', () => lion({ weightDecay: 0.5 })],
  ['adafactor', () => adafactor({ weightDecay: 0.5 })],
  ['muon', () => muon({ weightDecay: 0.5 })],
  ['an average', () => averaged(adamw({ weightDecay: 0.5 }))],
  ['an optimizer that moves everything', () => restless],
])('%s leaves what is not trained exactly as it was', async (_name, optimizer) => {
  for (const microBatchSize of [2, 1]) {
    const model = createModel(architecture, size, { seed: 1 });
    const before = new Map(
      flattenParams(model.params).map(([path, weight]) => [path, (weight as tf.Tensor).dataSync()]),
    );
    const step = createTrainingStep(model, {
      optimizer: optimizer(),
      batchSize: 2,
      microBatchSize,
      contextLength: 4,
      key: createKey(0),
    });
    for (const count of [1, 2]) await step.run(batch, 0.1, count);
    step.paths.forEach((path, i) => {
      const after = Array.from(step.parameters()[i].dataSync());
      if (path === frozen) expect(after).toEqual(Array.from(before.get(path)!));
      else if (path.endsWith('.weight')) expect(after).not.toEqual(Array.from(before.get(path)!));
    });
    const average = step.averageParams();
    if (average) {
      const kept = new Map(flattenParams(average)).get(frozen) as tf.Tensor;
      kept.dataSync().forEach((value, i) => expect(value).toBeCloseTo(before.get(frozen)![i], 6));
      tf.dispose(flattenParams(average).map(([, weight]) => weight as tf.Tensor));
    }
    step.dispose();
    disposeModel(model);
  }
});
