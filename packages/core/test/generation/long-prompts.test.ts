import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import {
  createModel,
  createPromptCache,
  disposeModel,
  disposePromptCache,
  gemma3,
  generateAll,
  gpt2,
  llama,
  mistral,
  releaseGenerationPrograms,
} from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passesOf } from '../../src/generation/session';

const size = {
  ...{ vocabSize: 61, hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 4096 },
  initializerRange: 0.2,
};
const families: Record<string, () => Model> = {
  gpt2: () => createModel(gpt2, size, { seed: 1 }) as unknown as Model,
  llama: () => createModel(llama, { ...size, intermediateSize: 40, numKeyValueHeads: 1 }, { seed: 2 }) as never,
  'mistral with a window': () =>
    createModel(
      mistral,
      { ...size, intermediateSize: 40, numKeyValueHeads: 2, slidingWindow: 300 },
      { seed: 3 },
    ) as never,
};
const text = (length: number): number[] => Array.from({ length }, (_, i) => (i * i * 7 + i * 13 + 5) % 61);

/** Logits of the last position, the whole text in one pass without a cache. */
async function whole({ architecture, params, config }: Model, ids: readonly number[]): Promise<Float32Array> {
  const inputIds = tf.tensor2d([[...ids]], [1, ids.length], 'int32');
  const { logits } = tf.tidy(() => ({
    logits: architecture.forward(params, { inputIds }, { config, logits: 'last' }).logits,
  }));
  const values = (await logits.data()) as Float32Array;
  tf.dispose([inputIds, logits]);
  return values;
}
const furthest = (one: Float32Array, other: Float32Array): number =>
  one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);

describe('prompts that are read in several passes', () => {
  beforeAll(() => useOnnx());
  afterAll(() => releaseGenerationPrograms());

  it.each(Object.entries(families))('%s: as in one', { timeout: 60_000 }, async (_name, make) => {
    const model = make();
    const before = tf.memory().numTensors;
    const options = { maxNewTokens: 1, stopTokens: [], logits: true };
    const prompts = [text(2500), text(300), text(2499).slice(900)];
    const rows = await generateAll(model, prompts, options);
    const [alone] = await generateAll(model, [prompts[0]], options);
    const expected = await Promise.all(prompts.map((ids) => whole(model, ids)));
    rows.forEach(({ logits }, i) => expect(furthest(logits![0], expected[i])).toBeLessThan(1e-5));
    expect(furthest(alone.logits![0], expected[0])).toBeLessThan(1e-5);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('also into a prompt cache, and on from it', { timeout: 60_000 }, async () => {
    const model = families.llama();
    const cache = await createPromptCache(model);
    const options = { maxNewTokens: 1, stopTokens: [], logits: true, cache };
    for (const length of [2300, 2310, 4090]) {
      const [{ logits }] = await generateAll(model, [text(length)], options);
      expect(furthest(logits![0], await whole(model, text(length)))).toBeLessThan(1e-5);
    }
    disposePromptCache(cache);
    disposeModel(model);
  });

  it('in passes of a length that all rows share', () => {
    const model = families.llama();
    const counts = (batch: number, count: number, of = model): number[] =>
      passesOf(of, { start: 3, count }, batch).map((piece) => piece.count);
    expect(passesOf(model, { start: 3, count: 5120 }, 1)).toEqual([
      { start: 3, count: 2048 },
      { start: 2051, count: 2048 },
      { start: 4099, count: 1024 },
    ]);
    expect(counts(1, 2048)).toEqual([2048]);
    expect(counts(3, 1280)).toEqual([512, 512, 256]);
    expect(counts(100, 600)).toEqual([256, 256, 88]);
    disposeModel(model);
  });

  it('in one where a token sees later ones, or is turned by the length of the text', () => {
    const longrope = { type: 'longrope', factor: 2, shortFactor: Array<number>(8).fill(1) } as const;
    const ropeScaling = { ...longrope, longFactor: Array<number>(8).fill(2), originalMaxPositionEmbeddings: 2048 };
    for (const model of [
      createModel(llama, { ...size, intermediateSize: 40, ropeScaling }, { seed: 4 }),
      createModel(llama, { ...size, intermediateSize: 40, ropeScaling: { type: 'dynamic', factor: 2 } }, { seed: 4 }),
      createModel(gemma3, { ...size, intermediateSize: 40, useBidirectionalAttention: true }, { seed: 4 }),
    ] as unknown as Model[]) {
      expect(passesOf(model, { start: 0, count: 4000 }, 1)).toEqual([{ start: 0, count: 4000 }]);
      disposeModel(model);
    }
  });
});
