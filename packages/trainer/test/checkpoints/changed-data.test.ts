import path from 'node:path';
import { selectBackend } from '@tesserae/core';
import {
  completion,
  questionAnswering,
  regression,
  sequenceClassification,
  tokenLabeling,
  train,
} from '@tesserae/trainer';
import type { Objective } from '@tesserae/trainer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoder, disposeLearners, encoder } from '../objectives/learners';
import { scratchFolder } from '../scratch';
import { disposeModel } from '../tiny-model';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

/** Rows of a kind, of which one may be changed in what is right about it alone. */
const rowsOf = (good: object, changed: object): [object[], object[]] => {
  const rows = Array.from({ length: 4 }, () => good);
  return [rows, [...rows.slice(1), { ...good, ...changed }]];
};
const answer = (text: string, start: number): object => ({ answers: [{ text, start }] });

const kinds: [string, Objective, () => ReturnType<typeof encoder>, [object[], object[]]][] = [
  [
    'a class',
    sequenceClassification(),
    () => encoder('sequence-classification'),
    rowsOf({ text: 'Mia ran', label: 0 }, { label: 1 }),
  ],
  [
    'a number, by less than one',
    regression(),
    () => encoder('sequence-classification', 1),
    rowsOf({ text: 'Mia ran', label: 4.25 }, { label: 4.5 }),
  ],
  [
    'a tag',
    tokenLabeling({ labels: ['O', 'B'] }),
    () => encoder('token-classification'),
    rowsOf({ words: ['Mia', 'ran'], tags: ['O', 'O'] }, { tags: ['B', 'O'] }),
  ],
  [
    'the place of an answer',
    questionAnswering(),
    () => encoder('question-answering'),
    rowsOf({ question: 'who?', context: 'Mia and Mia ran', ...answer('Mia', 0) }, answer('Mia', 8)),
  ],
  [
    'where a prompt ends',
    completion(),
    decoder,
    rowsOf({ prompt: 'ab', completion: 'cd' }, { prompt: 'abc', completion: 'd' }),
  ],
];

describe('a run is not resumed where data has changed in', () => {
  it.each(kinds)('%s', async (_, objective, model, [rows, others]) => {
    const checkpoint = { folder: path.join(scratchFolder(), 'run') };
    const run = async (data: object[], steps: number): Promise<number> => {
      const options = { data, objective, steps, batchSize: 2, checkpoint, resume: true, progress: false };
      const { model: trained, history } = await train(model(), options);
      disposeModel(trained);
      return history.steps.length;
    };
    expect(await run(rows, 1)).toBe(1);
    await expect(run(others, 2)).rejects.toThrow(
      /E_CHECKPOINT_FOREIGN: .*made with other data .*; resume with the same data, tokenizer and validationFraction/,
    );
    expect(await run(rows, 2)).toBe(2);
  });
});
