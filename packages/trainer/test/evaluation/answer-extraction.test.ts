import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { disposeModel, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { trainWordPiece } from '@tesserae/tokenizer';
import { answerExtraction, evaluate } from '@tesserae/trainer';
import type { AnswerSample, EvaluationResult, EvaluationTask } from '@tesserae/trainer';
import { describeEvaluationContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordModel } from './word-model';

const said = 'who ran home ? the red dog and a black cat saw mia . tom smith far';
const tokenizer = trainWordPiece(said, { vocabSize: 400, minFrequency: 1 });
/** What each word scores as a start and as an end, wherever it stands; all others -9. */
const scores: Readonly<Record<string, readonly [number, number]>> = {
  '[CLS]': [1, 1],
  who: [50, 50],
  red: [4, 1],
  dog: [2, 4],
  black: [3, 3],
  cat: [2.5, 5],
  mia: [2, 2],
  tom: [3.5, 0],
  smith: [0, 3.5],
  '.': [0, 2],
};
let model: Model;
beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
  model = wordModel(tokenizer, 'question-answering', 2, { maxPositionEmbeddings: 14 });
  tf.dispose(Object.values(model.params) as tf.Tensor[]);
  const rows = Array.from({ length: tokenizer.vocabSize }, (_, id) => [
    ...(scores[tokenizer.idToToken(id)!] ?? [-9, -9]),
  ]);
  model = { ...model, params: { embedding: tf.tensor2d(rows), head: tf.tensor2d([[1, 0], [0, 1]]) } }; // prettier-ignore
});
afterAll(() => disposeModel(model));

const asked = (context: string, ...answers: string[]): never =>
  ({
    question: 'who ran?',
    context,
    answers: answers.map((text) => ({ text, start: context.indexOf(text) })),
  }) as never;
const answered = async (
  data: readonly never[],
  more: object = {},
): Promise<EvaluationResult<AnswerSample> & { predictions: string[] }> => {
  const task = answerExtraction({ data, ...more });
  const result = await evaluate(model, task, { samples: true, resamples: 0, progress: false });
  return { ...result, predictions: result.samples!.map(({ prediction }) => prediction) };
};

describeEvaluationContract(
  {
    name: 'answer-extraction',
    create: () =>
      answerExtraction({
        data: [
          asked('the red dog ran', 'red dog'),
          asked('the red dog and a black cat saw mia and tom smith ran far far home', 'tom smith'),
          asked('far'),
        ],
      }) as EvaluationTask,
    model: () => model,
  },
  { describe, it },
);
describePluginContract<EvaluationTask>(answerExtraction, {
  describe,
  it,
  options: [{ data: [asked('mia ran', 'mia')] }],
  check: ({ run }) => expect(typeof run).toBe('function'),
});

describe('answers', () => {
  it('are the best stretches of the context, in its own letters', async () => {
    const { predictions, samples } = await answered([
      asked('the Red  Dog ran', 'dog'), // 4 + 4
      asked('dog and mia', 'dog'), // dog alone, 2 + 4, before 'dog and mia', 2 + 2
      asked('a cat, red', 'cat'), // the end must not stand before the start: cat 7.5, red 5
    ]);
    expect(predictions).toEqual(['Red  Dog', 'dog', 'cat']);
    expect(samples![0]).toMatchObject({ start: 4, end: 12, score: 8, answers: ['dog'] });
  });

  it('are at most so long', async () => {
    const row = asked('red and a black cat', 'black cat'); // red … cat 4 + 5, black cat 3 + 5
    expect((await answered([row])).predictions).toEqual(['red and a black cat']);
    expect((await answered([row], { maxAnswerTokens: 4 })).predictions).toEqual(['black cat']);
    expect((await answered([row], { maxAnswerTokens: 1 })).predictions).toEqual(['cat']); // 2.5 + 5
  });

  it('are looked for in every window of a long text', async () => {
    const context = `${'far '.repeat(12)}tom smith ${'far '.repeat(9)}mia`;
    const { predictions, counts, samples } = await answered([asked(context, 'Tom Smith')], { stride: 2 });
    expect(predictions).toEqual(['tom smith']);
    expect(counts.windows).toBeGreaterThan(2);
    expect(context.slice(samples![0].start, samples![0].end)).toBe('tom smith');
  });
});

describe('their scores', () => {
  it('are those of SQuAD', async () => {
    const { metrics, samples } = await answered([
      asked('the red dog ran', 'the Red Dog!', 'dog'), // equal but for case, article, sign: 1, 1
      asked('a black cat', 'the cat', 'far black'), // 'black cat': 1 of 2 and 1 word is 2/3, of 2 and 2 is 1/2: 0, 2/3
      asked('mia saw tom smith', 'mia'), // 'tom smith' 7, nothing shared: 0, 0
      asked('red dog . dog', 'red dog dog far'), // 'red dog': 2 words of 2 and 4 shared: 0, 2/3
    ]);
    expect(samples!.map(({ prediction }) => prediction)).toEqual(['red dog', 'black cat', 'tom smith', 'red dog']);
    expect(metrics.exactMatch.value).toBe(1 / 4);
    expect(metrics.f1.value).toBeCloseTo((1 + 2 / 3 + 0 + 2 / 3) / 4, 12);
  });

  it('know questions without an answer, when the model may decline', async () => {
    const data = [
      asked('far home ran'), // best -18, first token 2: none, right
      asked('mia ran'), // mia 4 > 2: wrong
      asked('ran home', 'ran'), // none, wrong
      asked('red dog', 'red dog'),
      asked('a cat', 'the .'), // nothing is left of the answer: none is right
    ];
    const { predictions, metrics, details } = await answered(data);
    expect(predictions).toEqual(['', 'mia', '', 'red dog', 'cat']);
    expect(metrics.exactMatch.value).toBe(2 / 5);
    expect(details).toEqual({
      withAnswer: { samples: 2, exactMatch: 1 / 2, f1: 1 / 2 },
      withoutAnswer: { samples: 3, exactMatch: 1 / 3, f1: 1 / 3 },
    });
    expect((await answered(data, { mayDecline: false })).predictions).toEqual(['far', 'mia', 'ran', 'red dog', 'cat']);
    const eager = await answered(data, { declineMargin: -3 }); // mia 4, cat 7.5
    expect(eager.predictions).toEqual(['', '', '', 'red dog', 'cat']);
    const none = await answered([asked('ran home', 'ran')]);
    expect([none.predictions, none.details]).toEqual([['ran'], undefined]);
    const long = asked(`mia ${'far '.repeat(20)}`); // one window with an answer is enough
    expect((await answered([long])).predictions).toEqual(['mia']);
  });
});

describe('answerExtraction', () => {
  it.each<[string, unknown, string]>([
    ['a list', 7, 'E_EVALUATION_DATA: data must be a list of at least one'],
    ['a context', [{ question: 'who', answers: [] }], 'E_EVALUATION_DATA: row 0 has no question or no context'],
    ['answers', [{ question: 'who', context: 'mia' }], 'E_EVALUATION_DATA: row 0 has no list of answers'],
    ['texts of answers', [{ question: 'who', context: 'mia', answers: [{}] }], 'row 0 has no list of answers'],
  ])('wants %s', (_, data, message) => {
    expect(() => answerExtraction({ data } as never)).toThrow(message);
  });
  it('refuses options, models and questions that cannot be', async () => {
    const data = [asked('mia ran', 'mia')];
    expect(() => answerExtraction({ data, maxAnswerTokens: 0 })).toThrow('E_OPTION');
    expect(() => answerExtraction({ data, maxAnswerToken: 3 } as never)).toThrow("did you mean 'maxAnswerTokens'?");
    const other = { ...model, config: { ...model.config, head: 'masked-lm' as const } };
    const on = (one: Model, question = 'who?'): Promise<unknown> =>
      evaluate(one, answerExtraction({ data: [{ ...(data[0] as object), question } as never] }), { progress: false });
    await expect(on(other)).rejects.toThrow("E_EVALUATION_MODEL: words has the head 'masked-lm'");
    await expect(on({ ...model, tokenizer: undefined })).rejects.toThrow('E_TOKENIZER');
    await expect(on(model, 'who ran home '.repeat(5))).rejects.toThrow(
      'E_EVALUATION_DATA: question 0 leaves no room for its context in 14 tokens',
    );
  });
});
