import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, disposeModel, generateAll, gpt2, releaseGenerationPrograms } from '@tesserae/core';
import type { GenerateOptions, Model } from '@tesserae/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planGeneration, withDefaults } from '../../src/generation/plan';

const config = {
  vocabSize: 19,
  hiddenSize: 16,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  maxPositionEmbeddings: 40,
  initializerRange: 0.5,
};
let model: Model;
beforeAll(async () => {
  await tf.setBackend('cpu');
  model = createModel(gpt2, config, { seed: 5 }) as unknown as Model;
});
afterAll(() => {
  disposeModel(model);
  releaseGenerationPrograms();
});
const run = (prompt: number[] | number[][], options: GenerateOptions) =>
  generateAll(model, prompt, { stopTokens: [], maxNewTokens: 8, ...options });

describe('rows', () => {
  it('several sequences of each prompt, told apart by their number', async () => {
    const options = { temperature: 2, seed: 3 };
    const rows = await run([[1, 2, 3], [4]], { ...options, numReturnSequences: 3 });
    expect(rows.map(({ promptIds }) => promptIds)).toEqual([[1, 2, 3], [1, 2, 3], [1, 2, 3], [4], [4], [4]]);
    expect(new Set(rows.map(({ ids }) => ids.join())).size).toBe(6);
    const flat = await run([[1, 2, 3], [1, 2, 3], [1, 2, 3], [4], [4], [4]], options);
    expect(rows.map(({ ids }) => ids)).toEqual(flat.map(({ ids }) => ids));
  });

  it('with a seed each are what they are alone', async () => {
    const batch = await run([[1, 2, 3], [4]], { temperature: 2, seed: [8, 9], numReturnSequences: 2 });
    const alone = await run([4], { temperature: 2, seed: 9, numReturnSequences: 2 });
    expect(batch.slice(2).map(({ ids }) => ids)).toEqual(alone.map(({ ids }) => ids));
  });
});

describe('sampling', () => {
  it('draws tokens as often as their probabilities say', async () => {
    const count = 4000;
    const rows = await run([1, 2, 3], { temperature: 1.3, numReturnSequences: count, maxNewTokens: 1, logprobs: 19 });
    const wanted = new Map(
      rows[0].logprobs![0].top.map(({ id, processedLogprob }) => [id, Math.exp(processedLogprob)]),
    );
    const counts = new Map<number, number>();
    for (const { ids } of rows) counts.set(ids[0], (counts.get(ids[0]) ?? 0) + 1);
    let statistic = 0;
    for (const [id, p] of wanted) statistic += ((counts.get(id) ?? 0) - count * p) ** 2 / (count * p);
    expect(statistic).toBeLessThan(42.3); // χ² with 18 degrees of freedom: once in a thousand above; the seed is fixed
    expect(statistic).toBeGreaterThan(4.9); // nor too good to be random
  });
});

describe('log-probabilities', () => {
  it('are those of the model, and those that the token was chosen by', async () => {
    const [row] = await run([1, 2], { logprobs: 3, logits: true, temperature: 0.5, topK: 2, suppressTokens: [7] });
    row.ids.forEach((id, step) => {
      const raw = [...row.logits![step]];
      const total = Math.log(raw.reduce((sum, x) => sum + Math.exp(x), 0));
      const { chosen, top } = row.logprobs![step];
      expect(chosen.id).toBe(id);
      expect(chosen.logprob).toBeCloseTo(raw[id] - total, 5);
      const order = [...raw.keys()].sort((a, b) => raw[b] - raw[a]).slice(0, 3);
      expect(top.map((one) => one.id)).toEqual(order);
      const kept = [...raw.keys()].filter((token) => token !== 7).sort((a, b) => raw[b] - raw[a]).slice(0, 2); // prettier-ignore
      const left = Math.log(kept.reduce((sum, token) => sum + Math.exp(raw[token] / 0.5), 0));
      for (const one of top) {
        if (kept.includes(one.id)) expect(one.processedLogprob).toBeCloseTo(raw[one.id] / 0.5 - left, 4);
        else expect(one.processedLogprob).toBe(-Infinity);
      }
    });
  });
});

describe('constraints', () => {
  it('hold in what is generated', async () => {
    const [free] = await run([1, 2], {});
    const [a, b] = free.ids;
    expect((await run([1, 2], { suppressTokens: [a] }))[0].ids).not.toContain(a);
    expect((await run([1, 2], { beginSuppressTokens: [a] }))[0].ids[0]).not.toBe(a);
    expect((await run([1, 2], { badWords: [[a, b]] }))[0].ids.slice(0, 2)).not.toEqual([a, b]);
    expect((await run([1, 2], { logitBias: { 11: 100 } }))[0].ids).toEqual(Array(8).fill(11));
    expect((await run([1, 2], { forcedEosTokenId: 13 }))[0].ids[7]).toBe(13);
    expect((await run([1], { forcedBosTokenId: 12 }))[0].ids[0]).toBe(12);
    const ended = await run([1, 2], { stopTokens: [a] });
    expect(ended[0].ids).toEqual([a]);
    const later = await run([1, 2], { stopTokens: [a], minNewTokens: 4 });
    expect(later[0].ids.slice(0, 4)).not.toContain(a);
    const unlike = await run([1, 2], { presencePenalty: 1000 });
    expect(new Set(unlike[0].ids).size).toBe(8);
    expect((await run([1, 2], { frequencyPenalty: 1000 }))[0].ids).toEqual(unlike[0].ids);
  });
});

describe('a model’s own options', () => {
  it('hold where a call says nothing else', async () => {
    const own: Model = { ...model, generation: { maxNewTokens: 3, doSample: true, topK: 3, temperature: 3, seed: 4 } };
    const all = { stopTokens: [] };
    const [sampled] = await generateAll(own, [1, 2], all);
    expect(sampled.ids).toEqual((await run([1, 2], { maxNewTokens: 3, topK: 3, temperature: 3, seed: 4 }))[0].ids);
    const [greedy] = await generateAll(own, [1, 2], { ...all, temperature: 0, maxNewTokens: 5 });
    expect(greedy.ids).toEqual((await run([1, 2], { maxNewTokens: 5 }))[0].ids);
  });

  it('whether there is sampling is decided by the call where it gives a number for it', () => {
    const quiet = { doSample: false, topP: 0.9 };
    const sampling = (options: GenerateOptions, defaults?: GenerateOptions): boolean =>
      planGeneration(withDefaults(options, defaults), model.config).sampling;
    expect(sampling({}, quiet)).toBe(false);
    expect(sampling({ temperature: 0.8 }, quiet)).toBe(true);
    expect(sampling({ temperature: 0.8, doSample: false }, quiet)).toBe(false);
    expect(sampling({ temperature: 0 }, { doSample: true })).toBe(false);
    expect(sampling({ doSample: true }, undefined)).toBe(true);
    expect(sampling({ doSample: undefined, minP: 0.1 }, quiet)).toBe(true);
    expect(sampling({}, undefined)).toBe(false);
  });
});
