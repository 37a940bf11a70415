import '@tensorflow/tfjs-backend-cpu';
import { createModel, crossEntropy, disposeModel, embedTexts, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import {
  classification,
  evaluate,
  maskedPrediction,
  multipleChoice,
  perplexity,
  retrieval,
  textGeneration,
  tokenClassification,
} from '@tesserae/trainer';
import type { EvaluationTask } from '@tesserae/trainer';
import { describeEvaluationContract } from '@tesserae/trainer/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordModel, wordTokenizer } from './word-model';

const letters = trainCharacterTokenizer('abcdefgh 0123?');
const size = { vocabSize: letters.vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 };
const words = wordTokenizer(['red', 'dog', 'blue', 'cat', 'Mia', 'Tom', 'ran', 'home']);
const quiet = { progress: false, resamples: 0 } as const;

const models = new Map<string, Model>();
const model = (name: string, make: () => Model): Model => {
  if (!models.has(name)) models.set(name, make());
  return models.get(name)!;
};
const gpt = (): Model =>
  model('gpt', () => {
    const config = { ...size, maxPositionEmbeddings: 12 };
    return createModel(gpt2, config, { seed: 5, tokenizer: letters }) as unknown as Model;
  });
const classifier = (): Model => model('classifier', () => wordModel(words, 'sequence-classification', 3));
const tagger = (): Model => model('tagger', () => wordModel(words, 'token-classification', 3));
const filler = (): Model => model('filler', () => wordModel(words, 'masked-lm', words.vocabSize));
const bare = (): Model => model('bare', () => wordModel(words, 'none', 1));

const questions = [
  { prompt: 'ab?', choices: ['a', 'bc', 'def'], answer: 1 },
  { prompt: 'hgfe ', choices: ['0', '123'], answer: 0 },
  { prompt: '?', choices: ['aa', 'ab'], answer: 0 },
];
const texts = [
  { text: 'red dog', label: 0 },
  { text: 'blue', label: 2 },
  { text: 'cat red Mia Tom ran home', label: 1 },
  { text: 'cat', label: 2 },
];
const tagged = [
  { words: ['Mia', 'ran', 'home'], tags: ['B-PER', 'O', 'O'] },
  { words: ['red', 'dog', 'Mia', 'Tom', 'ran'], tags: ['O', 'O', 'B-PER', 'I-PER', 'O'] },
  { words: ['Tom'], tags: ['B-PER'] },
];
const tags = ['O', 'B-PER', 'I-PER'];
const masked = [
  { text: 'red [MASK] ran home', answers: ['dog'] },
  { text: '[MASK] [MASK]', answers: ['Mia', 'ran'] },
];
const search = {
  documents: ['red dog', 'blue cat', 'Mia ran home', 'Tom'],
  queries: [
    { text: 'dog red', relevant: [0] },
    { text: 'cat', relevant: [1] },
    { text: 'home Mia', relevant: [2, 3] },
  ],
  k: 2,
};
const prompts = [
  { prompt: 'ab', references: 'cd' },
  { prompt: 'abcdef', references: ['gh', 'g'] },
  { prompt: '0', references: '123' },
];

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(() => models.forEach((one) => disposeModel(one)));

for (const contract of [
  {
    name: 'perplexity',
    create: () => perplexity({ data: ['abcdefgh 0123 abc', 'aabb', 'dcb'], stride: 5 }),
    model: gpt,
  },
  { name: 'multiple-choice', create: () => multipleChoice({ data: questions }), model: gpt },
  {
    name: 'text-generation',
    create: () => textGeneration({ data: prompts, generation: { maxNewTokens: 4 } }),
    model: gpt,
  },
  { name: 'classification', create: () => classification({ data: texts }), model: classifier },
  { name: 'token-classification', create: () => tokenClassification({ data: tagged, labels: tags }), model: tagger },
  { name: 'masked-prediction', create: () => maskedPrediction({ data: masked }), model: filler },
  { name: 'retrieval', create: () => retrieval(search), model: bare },
])
  describeEvaluationContract({ ...contract, create: contract.create as () => EvaluationTask }, { describe, it });

const hasRun = (task: EvaluationTask): void => expect(typeof task.run).toBe('function');
describePluginContract<EvaluationTask>(perplexity, { describe, it, options: [{ data: 'ab' }], check: hasRun });
describePluginContract<EvaluationTask>(multipleChoice, { describe, it, options: [{ data: questions }], check: hasRun });
describePluginContract<EvaluationTask>(classification, { describe, it, options: [{ data: texts }], check: hasRun });
describePluginContract<EvaluationTask>(tokenClassification, {
  describe,
  it,
  options: [{ data: tagged, labels: tags }],
  check: hasRun,
});
describePluginContract<EvaluationTask>(maskedPrediction, { describe, it, options: [{ data: masked }], check: hasRun });
describePluginContract<EvaluationTask>(retrieval, { describe, it, options: [search], check: hasRun });
describePluginContract<EvaluationTask>(textGeneration, { describe, it, options: [{ data: prompts }], check: hasRun });

/** -log p of each id but the first of one window, by a plain forward pass. */
function natsOf(one: Model, ids: readonly number[]): number[] {
  return tf.tidy(() => {
    const inputIds = tf.tensor2d([ids as number[]], [1, ids.length], 'int32');
    const { logits } = one.architecture.forward(one.params, { inputIds }, { config: one.config });
    const rows = tf.slice(tf.reshape(logits, [ids.length, one.config.vocabSize]), [0, 0], [ids.length - 1, -1]);
    return Array.from(crossEntropy(rows, tf.tensor1d(ids.slice(1), 'int32'), { reduction: 'none' }).dataSync());
  });
}

describe('perplexity', () => {
  it('counts every token but the first once, with as much before it as the stride leaves', async () => {
    const ids = Array.from(letters.encode('abcdefgh 0123?bcdaghe0 12'));
    const { metrics, counts } = await evaluate(gpt(), perplexity({ data: ids, contextLength: 8, stride: 3 }), quiet);
    const wanted: number[] = [];
    for (let [begin, counted] = [0, 1]; counted < ids.length; begin += 3) {
      const end = Math.min(begin + 8, ids.length);
      const nats = natsOf(gpt(), ids.slice(begin, end)); // of places begin + 1 …
      for (let place = counted; place < end; place++) wanted.push(nats[place - begin - 1]);
      counted = end;
    }
    expect(wanted).toHaveLength(ids.length - 1);
    const mean = wanted.reduce((a, b) => a + b) / wanted.length;
    expect(counts).toMatchObject({ tokens: ids.length - 1 });
    expect(metrics.loss.value).toBeCloseTo(mean, 5);
    expect(metrics.perplexity.value).toBeCloseTo(Math.exp(mean), 4);
    expect(metrics.bitsPerByte).toBeUndefined();
  });

  it('gives bits per byte of texts, and predicts the first token when it is told how texts begin', async () => {
    const data = 'abcd 0123';
    const one = await evaluate(gpt(), perplexity({ data }), quiet);
    expect(one.counts).toMatchObject({ samples: 1, tokens: 8, bytes: 8 });
    expect(one.metrics.bitsPerByte.value).toBeCloseTo(one.metrics.loss.value / Math.LN2, 6);
    const all = await evaluate(gpt(), perplexity({ data, firstToken: 0 }), quiet);
    expect(all.counts).toMatchObject({ tokens: 9, bytes: 9 });
  });
});

describe('multiple choice', () => {
  it('scores the choice after its prompt', async () => {
    const { samples, metrics } = await evaluate(gpt(), multipleChoice({ data: questions }), {
      ...quiet,
      samples: true,
    });
    questions.forEach(({ prompt, choices }, q) =>
      choices.forEach((choice, c) => {
        const before = prompt.trimEnd();
        const ids = Array.from(letters.encode(`${prompt} ${choice}`));
        const nats = natsOf(gpt(), ids).slice(before.length - 1);
        expect(samples![q].logLikelihoods[c]).toBeCloseTo(-nats.reduce((a, b) => a + b), 4);
      }),
    );
    const right = samples!.filter(({ logLikelihoods, answer }, q) => {
      const each = logLikelihoods.map((value, c) => value / questions[q].choices[c].length);
      return each.indexOf(Math.max(...each)) === answer;
    });
    expect(metrics.accuracyNormalized.value).toBeCloseTo(right.length / 3, 10);
  });

  it('keeps the end of a prompt that is too long', async () => {
    const long = { prompt: 'abcdefgh 0123 abcdefgh', choices: ['0', '1'], answer: 0 };
    const short = { ...long, prompt: long.prompt.slice(-11) };
    const options = { ...quiet, samples: true };
    const [a] = (await evaluate(gpt(), multipleChoice({ data: [long] }), options)).samples!;
    const [b] = (await evaluate(gpt(), multipleChoice({ data: [short] }), options)).samples!;
    expect(a.logLikelihoods[0]).toBeCloseTo(b.logLikelihoods[0], 5);
  });
});

describe('tasks with heads', () => {
  it('classification names classes, and counts them', async () => {
    const named = texts.map(({ text, label }) => ({ text, label: ['x', 'y', 'z'][label] }));
    const task = classification({ data: named, labels: ['x', 'y', 'z'] });
    const { metrics, samples, details } = await evaluate(classifier(), task, { ...quiet, samples: true });
    const right = samples!.filter(({ prediction, label }) => prediction === label).length;
    expect(metrics.accuracy.value).toBeCloseTo(right / 4, 10);
    expect(samples![0].probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    const { labels } = (details as { confusion: { labels: string[] } }).confusion;
    expect(labels.every((label) => ['x', 'y', 'z'].includes(label))).toBe(true);
  });

  it('classification of one output is a regression', async () => {
    const one = model('regression', () => wordModel(words, 'sequence-classification', 1));
    const { metrics } = await evaluate(one, classification({ data: texts }), quiet);
    expect(Object.keys(metrics)).toEqual(['meanSquaredError', 'pearson', 'spearman']);
  });

  it('retrieval finds the same words in another order', async () => {
    const { metrics, samples } = await evaluate(bare(), retrieval(search), { ...quiet, samples: true });
    expect(samples![0]).toMatchObject({ recall: 1, reciprocalRank: 1, ndcg: 1 });
    expect(samples![0].ranking).toHaveLength(2);
    expect(metrics.recall.value).toBeGreaterThanOrEqual(0.5);
  });

  it.each(['max', 'last', 'weightedMean'] as const)('retrieval pools by %s as embedTexts does', async (pooling) => {
    const { samples } = await evaluate(bare(), retrieval({ ...search, pooling }), { ...quiet, samples: true });
    const [query] = await embedTexts(bare(), [search.queries[0].text], { pooling });
    const found = await embedTexts(bare(), search.documents, { pooling });
    const cosine = found.map((vector) => vector.reduce((sum, value, i) => sum + value * query[i], 0));
    expect(samples![0].ranking[0]).toBe(cosine.indexOf(Math.max(...cosine)));
  });

  it('masked prediction ranks the right word', async () => {
    const { samples, metrics } = await evaluate(filler(), maskedPrediction({ data: masked }), {
      ...quiet,
      samples: true,
    });
    expect(samples).toHaveLength(3);
    const mean = samples!.reduce((sum, { rank }) => sum + 1 / (rank + 1), 0) / 3;
    expect(metrics.meanReciprocalRank.value).toBeCloseTo(mean, 10);
  });
});

describe('evaluate refuses', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no model', () => evaluate({} as never, perplexity({ data: 'a' })), /E_EVALUATION_MODEL: the first argument/],
    ['no task', () => evaluate(gpt(), {} as never), /E_EVALUATION_DATA: the second argument/],
    ['an unknown option', () => evaluate(gpt(), perplexity({ data: 'a' }), { batch: 2 } as never), /E_UNKNOWN_OPTION/],
    ['one token', () => evaluate(gpt(), perplexity({ data: 'a' }), quiet), /no document has two tokens/],
    ['foreign ids', () => evaluate(gpt(), perplexity({ data: [1, 99] }), quiet), /the id 99; the model knows 0 to/],
    [
      'a stride that skips',
      () => evaluate(gpt(), perplexity({ data: 'abc', contextLength: 4, stride: 4 }), quiet),
      /stride of 4 leaves tokens/,
    ],
    [
      'a window longer than the model',
      () => evaluate(gpt(), perplexity({ data: 'abc', contextLength: 40 }), quiet),
      /contextLength 40 is not/,
    ],
    [
      'text without a tokenizer',
      () => evaluate({ ...gpt(), tokenizer: undefined }, perplexity({ data: 'abc' }), quiet),
      /E_TOKENIZER/,
    ],
    ['another head', () => evaluate(gpt(), classification({ data: texts }), quiet), /head 'sequence-classification'/],
    [
      'a class that is not there',
      () => evaluate(classifier(), classification({ data: [{ text: 'red', label: 7 }] }), quiet),
      /the class 7; the model has 3/,
    ],
    [
      'a choice without tokens',
      () =>
        evaluate(
          gpt(),
          multipleChoice({ data: [{ prompt: 'a', choices: ['', ''], answer: 0 }], delimiter: '' }),
          quiet,
        ),
      /is 0 tokens/,
    ],
    [
      'masks without answers',
      () => evaluate(filler(), maskedPrediction({ data: [{ text: 'red', answers: [] }] }), quiet),
      /0 masks and 0 answers/,
    ],
  ])('%s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });

  it.each<[() => unknown, RegExp]>([
    [() => perplexity({} as never), /'data' is missing/],
    [() => multipleChoice({ data: [] }), /a list of at least one, found none/],
    [() => multipleChoice({ data: [{ prompt: 'a', choices: ['b', 'c'], answer: 2 }] }), /question 0 has the answer 2/],
    [() => textGeneration({ data: prompts, metrics: ['blue' as never] }), /did you mean 'bleu'/],
    [() => textGeneration({ data: [{ prompt: 'a' } as never] }), /row 0 is no prompt/],
    [() => tokenClassification({ data: [{ words: ['a'], tags: ['X'] }], labels: ['O'] }), /the tag "X"; known are O/],
    [() => retrieval({ documents: ['a'], queries: [{ text: 'a', relevant: [3] }] }), /query 0 names no document/],
  ])('%s', (call, message) => expect(call).toThrow(message));
});
