import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, disposeModel, generate, generateAll, gpt2, releaseGenerationPrograms } from '@tesserae/core';
import type { GenerateOptions, Model } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { useOnnx } from '@tesserae/backend-onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { largest } from '../../src/generation/beam-search';

const config = {
  vocabSize: 7,
  hiddenSize: 16,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  maxPositionEmbeddings: 40,
  initializerRange: 0.5,
};
let model: Model;
beforeAll(async () => {
  await useOnnx();
  model = createModel(gpt2, config, { seed: 9 }) as unknown as Model;
});
afterAll(() => {
  disposeModel(model);
  releaseGenerationPrograms();
});
const run = (prompt: number[] | number[][], options: GenerateOptions) =>
  generateAll(model, prompt, { stopTokens: [], maxNewTokens: 4, ...options });

/** Σ ln p of a continuation, from whole passes. */
function logProbability(prompt: readonly number[], ids: readonly number[]): number {
  return tf.tidy(() => {
    const inputIds = tf.tensor2d([[...prompt, ...ids]], undefined, 'int32');
    const { logits } = model.architecture.forward(model.params, { inputIds }, { config: model.config });
    const values = tf.logSoftmax(tf.squeeze(logits as tf.Tensor3D, [0])).arraySync() as number[][]; // [T, V]
    return ids.reduce((sum, id, i) => sum + values[prompt.length + i - 1][id], 0);
  });
}

describe('beam search', () => {
  it('with as many beams as texts finds the best of all', async () => {
    const prompt = [1, 2, 3];
    const all: { ids: number[]; score: number }[] = [];
    for (let code = 0; code < 7 ** 3; code++) {
      const ids = [Math.floor(code / 49), Math.floor(code / 7) % 7, code % 7];
      all.push({ ids, score: logProbability(prompt, ids) / 3 });
    }
    all.sort((a, b) => b.score - a.score);
    const found = await run(prompt, { maxNewTokens: 3, numBeams: 49, numReturnSequences: 5 });
    expect(found.map(({ ids }) => ids)).toEqual(all.slice(0, 5).map(({ ids }) => ids));
    found.forEach(({ score }, i) => expect(score).toBeCloseTo(all[i].score, 4));
  });

  it('with one beam is greedy, and in a batch gives what each prompt gives alone', async () => {
    const prompts = [[1, 2, 3], [4], [5, 6]];
    expect(await run(prompts, { numBeams: 1 })).toEqual(await run(prompts, {}));
    const options = { numBeams: 3, numReturnSequences: 2, stopTokens: [5], maxNewTokens: 8, lengthPenalty: 0.5 };
    const together = await run(prompts, options);
    const alone = (await Promise.all(prompts.map((prompt) => run(prompt, options)))).flat();
    expect(together.map(({ ids }) => ids)).toEqual(alone.map(({ ids }) => ids));
    together.forEach(({ score }, i) => expect(score).toBeCloseTo(alone[i].score!, 5));
  });

  it('draws candidates when sampling, the same for the same seed', async () => {
    const options = { numBeams: 3, temperature: 3, maxNewTokens: 8 };
    const [one] = await run([1, 2], { ...options, seed: 1 });
    expect((await run([1, 2], { ...options, seed: 1 }))[0].ids).toEqual(one.ids);
    const others = await Promise.all([2, 3, 4, 5].map((seed) => run([1, 2], { ...options, seed })));
    expect(others.some(([{ ids }]) => ids.join() !== one.ids.join())).toBe(true);
  });

  it('gives scores, log-probabilities and texts that end at stop strings', async () => {
    const before = tf.memory().numTensors;
    const [{ ids, score, logprobs }] = await run([1, 2], { numBeams: 3, logprobs: 2, lengthPenalty: 2 });
    const sum = logprobs!.reduce((total, { chosen }) => total + chosen.logprob, 0);
    expect(score).toBeCloseTo(sum / 16, 4);
    expect(sum).toBeCloseTo(logProbability([1, 2], ids), 4);
    const tokenizer = trainCharacterTokenizer('abcdefg');
    const said = await generateAll({ ...model, tokenizer }, [1, 2], {
      numBeams: 3,
      numReturnSequences: 3,
      maxNewTokens: 10,
      stopTokens: [],
      stop: ['a', 'bc'],
    });
    for (const { text, finished } of said) {
      expect(/a|bc/.test(text)).toBe(false);
      expect(['stop-string', 'length']).toContain(finished);
    }
    expect(said.some(({ finished }) => finished === 'stop-string')).toBe(true);
    for await (const token of generate(model, [1, 2], { numBeams: 3, stopTokens: [] })) if (token.index === 1) break;
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, GenerateOptions]>([
    ['no beams', { numBeams: 0 }],
    ['more sequences than beams', { numBeams: 2, numReturnSequences: 3 }],
    ['an unknown stopping', { numBeams: 2, earlyStopping: 'soon' as never }],
    ['a length penalty that is none', { numBeams: 2, lengthPenalty: NaN }],
  ])('%s are refused', (_, options) => {
    let code = 'none';
    try {
      generate(model, [1], options);
    } catch (error) {
      code = isTesseraeError(error) ? error.code : String(error);
    }
    expect(code).toBe('E_GENERATION_OPTION');
  });
});

it('takes the largest, the earlier of equal ones', () => {
  expect(largest(Float32Array.from([1, 5, 5, -Infinity, 3]), 3)).toEqual([1, 2, 4]);
  expect(largest(Float32Array.from([-Infinity, -Infinity]), 5)).toEqual([0, 1]);
});
