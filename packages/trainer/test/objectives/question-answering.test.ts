import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { questionAnswering } from '@tesserae/trainer';
import type { Objective } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeLearners, encoder, rowOf, settings, wordPieces } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const answerer = (): ReturnType<typeof encoder> => encoder('question-answering');
const asked = (context: string, answer: string): object => ({
  question: 'who?',
  context,
  answers: [{ text: answer, start: context.indexOf(answer) }],
});
const data = [
  asked('Mia ran', 'Mia'),
  asked('a dog ran', 'dog'),
  asked('the cat ran', 'cat'),
  asked('Tom went home', 'Tom'),
  asked('Anna went', 'Anna'),
  asked('Mia and a dog', 'Mia'),
  asked('home went Tom', 'Tom'),
  asked('ran the cat', 'cat'),
];

describeObjectiveContract(
  { name: 'question-answering', create: () => questionAnswering(), model: answerer, data, steps: 80 },
  { describe, it },
);
describePluginContract<Objective>(questionAnswering, {
  describe,
  it,
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});

/** What each window says the answer is, in the order in which the batch has them; nothing where that is its first token. */
async function answersOf(rows: readonly object[], windows: number, more: object = {}): Promise<string[]> {
  const { sampler } = await questionAnswering(more).prepare(answerer(), rows, settings(windows));
  const { inputIds, labels, endPositions } = sampler(0);
  return Array.from({ length: windows }, (_, row) => {
    const ids = rowOf(inputIds, row, windows).slice(labels![row] as number, (endPositions![row] as number) + 1);
    return wordPieces().decode(ids).replace('[CLS]', '');
  });
}

describe('answers in windows', () => {
  it('stand where the text says', async () => {
    const rows = [asked('Tom Smith saw the unhappiness of cats', 'unhappiness'), asked('Mia ran', 'Mia ran')];
    expect((await answersOf(rows, 2)).sort()).toEqual(['mia ran', 'unhappiness']);
  });

  it('are read in the forms of SQuAD, and counted as Python counts', async () => {
    const context = '\u{1F600} a dog'; // two UTF-16 units, one character
    const squad = { question: 'who?', context, answers: { text: ['dog'], answer_start: [4] } };
    const list = { question: 'who?', context: 'a cat', answers: [{ text: 'cat', answer_start: 2 }] };
    expect((await answersOf([squad, list], 2)).sort()).toEqual(['cat', 'dog']);
  });

  it('that are cut away are the first token, or are left out', async () => {
    const context = `${'a dog ran home '.repeat(8)}Mia went home`;
    const rows = [asked(context, 'Mia'), { question: 'who?', context: 'a dog', answers: [] }];
    const prepared = await questionAnswering({ stride: 4 }).prepare(answerer(), rows, settings(1));
    expect(prepared.contextLength).toBe(32);
    const all = await answersOf(rows, 3, { stride: 4 });
    expect(all.sort()).toEqual(['', '', 'mia']); // two windows of the long text, and one without an answer
    expect((await answersOf(rows, 2, { stride: 4, withoutAnswer: 'leave-out' })).sort()).toEqual(['', 'mia']);
  });

  const good = asked('Mia ran', 'Mia');
  it.each<[string, object, RegExp]>([
    ['no answers', { question: 'who?', context: 'a' }, /row 1 has no list of answers/],
    [
      'a place outside the text',
      { question: 'who?', context: 'a dog', answers: [{ text: 'dog', start: 9 }] },
      /"dog" of row 1 does not stand at 9, the context ends at 5/,
    ],
    [
      'another text at the place',
      { question: 'who?', context: 'a dog', answers: [{ text: 'cat', start: 2 }] },
      /"cat" of row 1 does not stand at 2/,
    ],
    [
      'an answer without text',
      { question: 'who?', context: 'a dog', answers: [{ start: 2 }] },
      /row 1 has no text or no start/,
    ],
    ['no question', { context: 'a dog', answers: [] }, /row 1 has no question/],
    [
      'a question without end',
      { question: 'who saw the dog '.repeat(9), context: 'a dog', answers: [] },
      /the question of row 1 leaves no room for its context in 32 tokens/,
    ],
  ])('refuse %s', async (_, row, message) => {
    const prepare = async (): Promise<unknown> => questionAnswering().prepare(answerer(), [good, row], settings(2));
    await expect(prepare).rejects.toThrow(message);
    await expect(prepare).rejects.toThrow('E_OBJECTIVE_DATA');
  });
});
