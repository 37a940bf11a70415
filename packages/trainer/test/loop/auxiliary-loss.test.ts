import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createKey, createModel, disposeModel, mixtral } from '@tesserae/core';
import type { MixtralConfig } from '@tesserae/core';
import { createTrainingStep, sgd } from '@tesserae/trainer';
import { beforeAll, expect, it } from 'vitest';

beforeAll(() => tf.setBackend('cpu'));

const size = { vocabSize: 9, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 };
const batch = { inputIds: Int32Array.of(1, 2, 3, 4), labels: Int32Array.of(2, 3, 4, 5) };

/** The loss of a first step. */
async function lossWith(more: Partial<MixtralConfig>): Promise<number> {
  const model = createModel(mixtral, { ...size, numLocalExperts: 3, ...more }, { seed: 1 });
  const step = createTrainingStep(model, { optimizer: sgd(), batchSize: 1, contextLength: 4, key: createKey(0) });
  const { loss } = await step.run(batch, 0.1, 1);
  step.dispose();
  disposeModel(model);
  return loss;
}

it('what an architecture adds to the loss is trained on', async () => {
  const plain = await lossWith({ routerAuxLossCoefficient: 5 });
  expect(await lossWith({ routerAuxLossCoefficient: 0, outputRouterLogits: true })).toBeCloseTo(plain, 6);
  const once = await lossWith({ routerAuxLossCoefficient: 1, outputRouterLogits: true });
  const twice = await lossWith({ routerAuxLossCoefficient: 2, outputRouterLogits: true });
  expect(once - plain).toBeGreaterThan(1.5); // 2 of 3 experts a token: 2 where tokens are spread evenly
  expect(twice - plain).toBeCloseTo(2 * (once - plain), 4);
});
