import * as tf from '@tensorflow/tfjs-core';
import {
  bert,
  createModel,
  createPromptCache,
  disposePromptCache,
  flattenParams,
  forkPromptCache,
  generateAll,
  gpt2,
  isLowRank,
  isScaled,
  isWeightForm,
  llama,
  mapParams,
  mergeAdapter,
  selectBackend,
  t5,
} from '@tesserae/core';
import type { Model, Weight } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { adapt, adamw, biasesOnly, countLearned, freeze, ia3, lora, promptTuning, train } from '@tesserae/trainer';
import type { AdapterMethod } from '@tesserae/trainer';
import { describeAdapterContract } from '@tesserae/trainer/testing';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => selectBackend({ prefer: 'cpu', log: false }));

const size = { vocabSize: 12, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
const quiet = { attentionDropout: 0, residualDropout: 0, embeddingDropout: 0 };
const data = Array.from({ length: 120 }, (_, i) => (i * 5) % 12);
const gpt = (): Model => createModel(gpt2, { ...size, ...quiet }, { seed: 2 }) as unknown as Model;
const classifier = (): Model =>
  createModel(bert, {
    ...size,
    intermediateSize: 16,
    head: 'sequence-classification',
    numLabels: 3,
  }) as unknown as Model;

const runner = { describe, it };
const base = { model: gpt, data };
describeAdapterContract({ ...base, name: 'lora', create: () => lora({ rank: 2, alpha: 8 }) }, runner);
describeAdapterContract({ ...base, name: 'ia3', create: () => ia3() }, runner);
describeAdapterContract(
  {
    model: gpt,
    data: data.map((_, i) => i % 3),
    name: 'prompt-tuning',
    create: () => promptTuning({ virtualTokens: 3 }),
    startsSilent: false,
  },
  runner,
);

const isMethod = ({ apply }: AdapterMethod): void => expect(typeof apply).toBe('function');
describePluginContract<AdapterMethod>(lora, { describe, it, options: [{ rank: 4 }], check: isMethod });
describePluginContract<AdapterMethod>(ia3, { describe, it, options: [], check: isMethod });
describePluginContract<AdapterMethod>(promptTuning, { describe, it, options: [], check: isMethod });

const touched = (model: Model): string[] =>
  flattenParams(model.params).flatMap(([at, weight]) => (isWeightForm(weight) ? [at] : []));
const weightAt = (model: Model, at: string): Weight => new Map(flattenParams(model.params)).get(at)!;

describe('lora', () => {
  it.each([
    ['names of paths', { targets: ['query', 'value'] }, 'attention.(query|value)'],
    [
      'names of checkpoints',
      { targets: ['attention.self.query', 'intermediate.dense'] },
      '(attention.query|feedForward.up)',
    ],
    ['patterns', { targets: [/layers\.\d\.feedForward/] }, 'feedForward.(up|down)'],
    ['all-linear', { targets: 'all-linear' }, '(attention|feedForward)\\.\\w+'],
    ['nothing, which means queries and values', {}, 'attention.(query|value)'],
  ])('finds targets by %s', (_, options, pattern) => {
    const found = touched(adapt(classifier(), lora(options))).filter((at) => !at.startsWith('pooler.'));
    expect(found.length).toBeGreaterThan(0);
    for (const at of found) expect(at).toMatch(new RegExp(`^layers\\.\\d\\.${pattern}\\.weight$`));
  });

  it('finds the usual matrices of every family', () => {
    const decoder = createModel(llama, { ...size, intermediateSize: 16 });
    expect(touched(adapt(decoder, lora()) as unknown as Model).length).toBe(4);
    const both = createModel(t5, { ...size, intermediateSize: 16, headDim: 4 } as never);
    expect(touched(adapt(both, lora()) as unknown as Model).length).toBe(12);
    expect(touched(adapt(gpt(), lora()))).toEqual([0, 1].map((i) => `layers.${i}.attention.queryKeyValue.weight`));
  });

  it('has ranks and alphas by module, and scales as it is told', () => {
    const options = {
      rank: 2,
      alpha: 6,
      targets: ['query', 'key'],
      rankPattern: { key: 4 },
      alphaPattern: { 'layers.1.attention.key': 2 },
    };
    const scales = (more: object): number[] =>
      ['0.attention.query', '0.attention.key', '1.attention.key'].map((at) => {
        const weight = weightAt(adapt(classifier(), lora({ ...options, ...more })), `layers.${at}.weight`);
        return isLowRank(weight) ? weight.scale : Number.NaN;
      });
    expect(scales({})).toEqual([3, 1.5, 0.5]);
    expect(scales({ rankStabilized: true })).toEqual([6 / Math.sqrt(2), 3, 1]);
  });

  it('starts as PEFT does, by the seed', () => {
    const start = (options: object): tf.Tensor => {
      const weight = weightAt(adapt(gpt(), lora({ rank: 64, ...options })), 'layers.0.attention.queryKeyValue.weight');
      return isLowRank(weight) ? weight.a : tf.zeros([1]);
    };
    const spread = (tensor: tf.Tensor): number => tf.sqrt(tf.mean(tf.square(tensor))).dataSync()[0];
    expect(tf.max(tf.abs(start({}))).dataSync()[0]).toBeLessThanOrEqual(1 / Math.sqrt(8));
    expect(spread(start({}))).toBeCloseTo(1 / Math.sqrt(8) / Math.sqrt(3), 1);
    expect(spread(start({ initialization: 'gaussian' }))).toBeCloseTo(1 / 64, 2);
    expect(Array.from(start({ seed: 1 }).dataSync())).not.toEqual(Array.from(start({}).dataSync()));
    expect(Array.from(start({}).dataSync())).toEqual(Array.from(start({}).dataSync()));
  });

  it('learns the head of a classifier as a whole, or what it is told, and biases', () => {
    const learned = (options: object): string[] => [...adapt(classifier(), lora(options)).adapter!.whole];
    expect(learned({})).toEqual(['classifier.output.weight', 'classifier.output.bias']);
    expect(learned({ modulesToSave: ['pooler'] })).toEqual(['pooler.weight', 'pooler.bias']);
    expect(learned({ modulesToSave: [], biases: 'targets' })).toEqual(
      [0, 1].flatMap((i) => ['query', 'value'].map((part) => `layers.${i}.attention.${part}.bias`)),
    );
    expect(learned({ modulesToSave: [], biases: 'all' }).length).toBeGreaterThan(12);
    const { adapter, head, share } = countLearned(adapt(classifier(), lora({ rank: 1 })));
    expect([adapter, head]).toEqual([2 * 2 * 16, 3 * 8 + 3]);
    expect(share).toBeGreaterThan(0);
  });

  it.each([
    [{ targets: ['quary'] }, /E_ADAPTER_TARGET: the model has no module quary; did you mean 'query'\?/],
    [{ modulesToSave: ['lm_head'] }, /E_ADAPTER_TARGET: the model has no module lm_head/],
  ])('refuses modules that are not there: %j', (options, message) => {
    expect(() => adapt(classifier(), lora(options))).toThrow(message);
  });

  it.each([
    [{ rank: 0 }, "'rank' must be a whole number ≥ 1"],
    [{ targets: 'query' }, "'targets' must be 'all-linear', or a list"],
    [{ dropout: 1 }, "'dropout' must be a number in [0, 1)"],
    [{ rankPattern: { key: 1.5 } }, "'rankPattern' must be ranks by module"],
    [{ r: 8 }, 'lora has no option "r"'],
  ])('refuses the options %j', (options, message) => {
    expect(() => lora(options as never)).toThrow(message);
  });

  it.each([{}, { decomposed: true }, { rankStabilized: true, dropout: 0.2 }, { decomposed: true, dropout: 0.2 }])(
    'learns, resumes bit for bit from a checkpoint that holds it alone, and merges: %j',
    async (more) => {
      const model = adapt(gpt(), lora({ rank: 2, alpha: 8, targets: 'all-linear', ...more }));
      const options = { data, steps: 4, batchSize: 2, contextLength: 8, progress: false, seed: 3 };
      const optimizer = adamw({ learningRate: 0.02 });
      const whole = await train(model, { ...options, optimizer });
      const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-lora-'));
      const checkpoint = { folder, every: 2 };
      const stop = new AbortController();
      const callbacks = { onStep: ({ step }: { step: number }) => void (step === 2 && stop.abort()) };
      await train(model, { ...options, optimizer, checkpoint, callbacks, signal: stop.signal, whenAborted: 'return' });
      const rest = await train(model, { ...options, optimizer, checkpoint, resume: true });
      expect(rest.history.steps.slice(2).map(({ loss }) => loss)).toEqual(
        whole.history.steps.slice(2).map(({ loss }) => loss),
      );
      const inputIds = tf.tensor2d([1, 2, 3], [1, 3], 'int32');
      const run = ({ params, config, architecture }: Model): number[] =>
        Array.from(architecture.forward(params, { inputIds }, { config }).logits.dataSync());
      run(mergeAdapter(rest.model)).forEach((value, i) => expect(value).toBeCloseTo(run(rest.model)[i], 5));
    },
  );
});

describe('several adapters on one base', () => {
  it('are switched by the call, also from forks of one cache, with the programs of one', async () => {
    const start = gpt();
    const grown = (seed: number): Model => {
      const model = adapt(start, lora({ rank: 2, alpha: 8, seed }));
      const params = mapParams(model.params, (weight) =>
        isLowRank(weight)
          ? { ...weight, b: tf.mul(tf.randomNormal(weight.b.shape, 0, 1, 'float32', seed), 3) }
          : weight,
      );
      return { ...model, params };
    };
    const models = [start, grown(1), grown(2)];
    const options = { maxNewTokens: 6, stopTokens: [] };
    const alone = await Promise.all(models.map((model) => generateAll(model, [[1, 2, 3]], options)));
    const answers = alone.map(([{ ids }]) => ids.join());
    expect(new Set(answers).size).toBe(3);
    const caches = await Promise.all(models.map((model) => createPromptCache(model, [1, 2, 3])));
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
    ]) {
      for (const i of order) {
        const cache = forkPromptCache(caches[i]);
        const [{ ids }] = await generateAll(models[i], [[1, 2, 3]], { ...options, cache });
        expect(ids.join()).toBe(answers[i]);
        disposePromptCache(cache);
      }
    }
    await expect(generateAll(models[1], [[1, 2, 3]], { ...options, cache: caches[2] })).rejects.toThrow(
      /E_PROMPT_CACHE/,
    );
  });
});

describe('ia3', () => {
  it('scales keys, values and the inside of feed-forward layers', () => {
    const model = adapt(classifier(), ia3());
    const sides = touched(model).map((at) => {
      const weight = weightAt(model, at);
      return `${at.split('.').slice(2, 4).join('.')} ${isScaled(weight) ? weight.side : ''}`;
    });
    expect(sides.slice(0, 3)).toEqual(['attention.key output', 'attention.value output', 'feedForward.down input']);
  });

  it('refuses tables', () => {
    expect(() => adapt(gpt(), ia3({ targets: ['tokenEmbedding'] }))).toThrow(/E_ADAPTER_TARGET.*is a table/);
  });
});

describe('promptTuning', () => {
  it('starts at tokens of the vocabulary, at a text, or anywhere', () => {
    const tokenizer = trainCharacterTokenizer('abcdefghijkl');
    const model = { ...gpt(), tokenizer };
    const prompt = (options: object): number[][] => {
      const table = weightAt(adapt(model, promptTuning({ virtualTokens: 3, ...options })), 'tokenEmbedding.weight');
      return (table as unknown as { prompt: tf.Tensor2D }).prompt.arraySync();
    };
    const rows = (weightAt(model, 'tokenEmbedding.weight') as tf.Tensor2D).arraySync();
    const [a, b] = Array.from(tokenizer.encode('ab'));
    expect(prompt({ text: 'ab' })).toEqual([rows[a], rows[b], rows[a]]);
    for (const row of prompt({})) expect(rows).toContainEqual(row);
    expect(rows).not.toContainEqual(prompt({ initialization: 'random' })[0]);
    expect(prompt({ seed: 1 })).not.toEqual(prompt({ seed: 2 }));
  });

  it.each([
    [{ virtualTokens: 16 }, /E_ADAPTER_TARGET.*leave no place for text in 16 positions/],
    [{ text: 'ab', virtualTokens: 2 }, /E_TOKENIZER.*no tokenizer/],
  ])('refuses %j', (options, message) => {
    expect(() => adapt(gpt(), promptTuning(options))).toThrow(message);
  });

  it('refuses to stand twice, and a text that is missing', () => {
    const once = adapt(gpt(), promptTuning({ virtualTokens: 2 }));
    expect(() => adapt(once, promptTuning({ virtualTokens: 2 }))).toThrow(/has virtual tokens already/);
    expect(() => promptTuning({ initialization: 'text' })).toThrow(/E_OPTION.*'text' is missing/);
  });
});

describe('what learns without an adapter', () => {
  const changed = async (model: Model, trainable: (at: string) => boolean): Promise<string[]> => {
    const options = { data, steps: 2, batchSize: 2, contextLength: 8, progress: false, trainable };
    const { model: trained } = await train(model, options);
    const before = new Map(flattenParams(model.params));
    return flattenParams(trained.params).flatMap(([at, weight]) => {
      const [one, other] = [weight, before.get(at)!].map((tensor) => Array.from((tensor as tf.Tensor).dataSync()));
      return one.every((value, i) => value === other[i]) ? [] : [at];
    });
  };

  it('is biases (BitFit)', async () => {
    const model = gpt();
    const found = await changed(model, biasesOnly(model));
    expect(found.length).toBeGreaterThan(12);
    for (const at of found) expect(at).toMatch(/\.bias$/);
    expect(() => biasesOnly(createModel(llama, { ...size, intermediateSize: 16 }))).toThrow(
      /E_ADAPTER_TARGET.*no biases/,
    );
    expect(biasesOnly(classifier())('classifier.output.weight')).toBe(true);
  });

  it('is all but what is frozen', async () => {
    const model = gpt();
    const found = await changed(model, freeze(model, 'tokenEmbedding', 'layers.0'));
    expect(found).toContain('layers.1.attention.output.weight');
    expect(found.filter((at) => /^(tokenEmbedding|layers\.0)/.test(at))).toEqual([]);
    expect(() => freeze(model, 'layers.7')).toThrow(/E_ADAPTER_TARGET.*no module layers.7/);
  });
});
