import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '@tesserae/core';
import { createRegistry } from '@tesserae/registry';
import { describePluginContract } from '@tesserae/registry/testing';
import { causalLanguageModeling, objectivePlugins, rowSource, train } from '@tesserae/trainer';
import type { Objective, TrainOptions } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeModel } from '../tiny-model';
import { decoder, disposeLearners, encoder, letters, rowsOf, settings } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const data = ['the cat', 'the dog', 'a cat ran', 'a dog ran', 'the cat sat', 'a dog sat', 'the end', 'a cat'];
describeObjectiveContract(
  { name: 'causal-language-modeling', create: () => causalLanguageModeling(), model: decoder, data, steps: 80 },
  { describe, it },
);
describePluginContract<Objective>(causalLanguageModeling, {
  describe,
  it,
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});

describe('causalLanguageModeling', () => {
  it('is in a registry', async () => {
    const objective = await createRegistry(objectivePlugins).create('objective', 'causal-language-modeling');
    expect(objective.name).toBe('causal-language-modeling');
  });

  it('is what train does by itself, for texts, ids and sources', async () => {
    const text = 'the cat sat on the mat and the dog ran home '.repeat(9);
    const lines = rowSource([...data, ...data, ...data, ...data].map((line) => ({ text: line })));
    for (const one of [text, letters.encode(text), lines]) {
      const run = async (more: Partial<TrainOptions>): Promise<unknown> => {
        const options = { data: one, steps: 3, batchSize: 2, contextLength: 12, evaluateEvery: 2, progress: false };
        const { model, history } = await train(decoder(), { ...options, ...more });
        disposeModel(model);
        return [history.steps.map(({ loss }) => loss), history.evaluations];
      };
      expect(await run({ objective: causalLanguageModeling() })).toEqual(await run({}));
    }
  });

  it('takes texts of a list one a row, in pieces where they are long', async () => {
    const { sampler } = await causalLanguageModeling().prepare(
      decoder(),
      ['abcdefg', 'hi'],
      settings(4, { contextLength: 3 }),
    );
    const { inputIds, labels, attentionMask } = sampler(0);
    const shown = (ids: number[]): string => letters.decode(ids.filter((id) => id >= 0));
    const found = rowsOf(inputIds, 4).map((ids, i) => `${shown(ids)} ${shown(rowsOf(labels, 4)[i])}`);
    // With their ends the texts are abcdefg. and hi.: 7 and 2 next tokens.
    expect(found.sort()).toEqual(['abc bcd', 'def efg', 'g<pad><pad> </s>', 'hi<pad> i</s>']);
    expect(Array.from(attentionMask!).reduce((sum, one) => sum + one, 0)).toBe(3 + 3 + 1 + 2);
  });

  it('packs short texts into rows', async () => {
    const prepare = { ...settings(2), packing: { buffer: 8 } };
    const { sampler } = await causalLanguageModeling().prepare(decoder(), data, prepare);
    const { sequenceIds } = sampler(0);
    expect(Math.max(...Array.from(sequenceIds!))).toBeGreaterThan(1);
  });

  it('refuses other heads, and texts that say nothing of a next token', async () => {
    const on = async (model: ReturnType<typeof decoder>, texts: unknown): Promise<unknown> =>
      causalLanguageModeling().prepare(model, texts, settings(2));
    await expect(on(encoder('masked-lm'), data)).rejects.toThrow("E_OBJECTIVE_MODEL: bert has the head 'masked-lm'");
    await expect(on(decoder(), ['ab', 7])).rejects.toThrow('E_OBJECTIVE_DATA: row 1 is number; give a list of texts');
    await expect(on(decoder(), ['ab', ''])).rejects.toThrow('the text of row 1 holds 0 tokens');
    expect(() => causalLanguageModeling({ shift: 1 } as never)).toThrow('E_UNKNOWN_OPTION');
  });
});
