import * as tf from '@tensorflow/tfjs-core';
import { createModel, decoderPlugins, disposeModel, selectBackend } from '@tesserae/core';
import type { Architecture, ArchitectureConfig } from '@tesserae/core';
import { createRegistry } from '@tesserae/registry';
import { describePluginContract } from '@tesserae/registry/testing';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => selectBackend({ prefer: 'cpu', log: false }));

const size = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 12 };

/** What every architecture promises: a config, parameters that say where they stand, logits, nothing left behind. */
function checkArchitecture(architecture: Architecture<ArchitectureConfig>): void {
  const before = tf.memory().numTensors;
  const model = createModel(architecture, { ...size, maxPositionEmbeddings: 16 } as Partial<ArchitectureConfig>);
  const specs = architecture.parameters(model.config);
  expect(new Set(specs.map(({ path }) => path)).size).toBe(specs.length);
  expect(new Set(specs.map(({ checkpointName }) => checkpointName)).size).toBe(specs.length);
  const inputIds = tf.tensor2d([[1, 2, 3]], [1, 3], 'int32');
  const { logits } = architecture.forward(model.params, { inputIds }, { config: model.config });
  expect(logits.shape).toEqual([1, 3, 11]);
  logits.dispose();
  inputIds.dispose();
  disposeModel(model);
  expect(tf.memory().numTensors).toBe(before);
}

for (const plugin of decoderPlugins) {
  describePluginContract<Architecture<ArchitectureConfig>>(plugin, { describe, it, check: checkArchitecture });
}

describe('a registry of architectures', () => {
  it('gives them under the model_type of config.json', async () => {
    const kit = createRegistry(decoderPlugins);
    for (const { name } of decoderPlugins) expect((await kit.create('architecture', name)).name).toBe(name);
  });
});
