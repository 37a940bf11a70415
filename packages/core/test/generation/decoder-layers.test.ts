import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { locateNativeKernels, useOnnx } from '@tesserae/backend-onnx';
import { createModel, generateAll, llama, mistral, qwen2, qwen3, releaseGenerationPrograms } from '@tesserae/core';
import type { GeneratedSequence, Model } from '@tesserae/core';
import { describe, expect, it } from 'vitest';

const size = {
  ...{ vocabSize: 300, hiddenSize: 256, intermediateSize: 192, numHiddenLayers: 3, numAttentionHeads: 4 },
  ...{ maxPositionEmbeddings: 64, initializerRange: 0.1 },
};
const families: [name: string, fused: boolean, make: () => Model<never>][] = [
  ['llama, every head its own keys', true, () => createModel(llama, size, { seed: 1 })],
  ['llama, four heads to a key', true, () => createModel(llama, { ...size, numKeyValueHeads: 1 }, { seed: 2 })],
  ['qwen2, with biases', true, () => createModel(qwen2, { ...size, numKeyValueHeads: 2 }, { seed: 3 })],
  ['mistral, with a window', true, () => createModel(mistral, { ...size, slidingWindow: 5 }, { seed: 4 })],
  ['qwen3, with norms of queries and keys', false, () => createModel(qwen3, { ...size, headDim: 64 }, { seed: 5 })],
] as never;
const prompts = [[5, 9, 7, 3, 1, 8, 2, 12, 299, 4, 66], [250, 3, 4], [17, 5, 200, 6]]; // prettier-ignore

const run = (model: Model<never>, prompt: readonly number[][]): Promise<GeneratedSequence[]> =>
  generateAll(model, prompt as number[][], { maxNewTokens: 7, stopTokens: [], logits: true });

/** Whether a compiled program has layers in one node. */
function hasLayers(): boolean {
  const { programs } = tf.backend() as unknown as { programs: Set<{ saveModel(file: string): void }> };
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'layers-')), 'program.onnx');
  return [...programs].some((program) => {
    program.saveModel(file);
    return readFileSync(file).includes('DecoderLayer');
  });
}

describe.skipIf(locateNativeKernels() === undefined)('layers of a decoder in one node', () => {
  it.each(families)('%s: give what the reference backend gives', async (_name, fused, make) => {
    const inputs = [prompts, [prompts[0]]];
    await tf.setBackend('cpu');
    const expected = await Promise.all(inputs.map((prompt) => run(make(), prompt)));
    await useOnnx();
    for (const [i, prompt] of inputs.entries()) {
      const found = await run(make(), prompt);
      expect(found.map(({ ids }) => ids)).toEqual(expected[i].map(({ ids }) => ids));
      const differences = found.flatMap(({ logits }, row) =>
        logits!.flatMap((values, step) => [...values].map((x, v) => Math.abs(x - expected[i][row].logits![step][v]))),
      );
      expect(differences.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(1e-4);
    }
    expect(hasLayers()).toBe(fused);
    releaseGenerationPrograms();
  });
});
