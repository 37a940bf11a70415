import * as tf from '@tensorflow/tfjs-core';
import {
  bert,
  createCapture,
  createKey,
  createKeyValueCache,
  createModel,
  disposeModel,
  distilbert,
  flattenParams,
  hiddenStateNames,
  roberta,
  summary,
  unflattenParams,
} from '@tesserae/core';
import type { Architecture, ArchitectureConfig, ForwardInputs, Model, ModelHead } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

type AnyModel = Model<ArchitectureConfig>;

const size = {
  vocabSize: 13,
  hiddenSize: 12,
  intermediateSize: 20,
  numHiddenLayers: 2,
  numAttentionHeads: 3,
  maxPositionEmbeddings: 16,
  initializerRange: 0.4,
};
const families = { bert, roberta, distilbert } as unknown as Record<string, Architecture>;
const names = Object.keys(families);
const make = (name: string, more: object = {}): AnyModel =>
  createModel(families[name], { ...size, ...more }, { seed: 7 });
const ids = (rows: number[][]): tf.Tensor => tf.tensor2d(rows, [rows.length, rows[0].length], 'int32');
const heads: readonly ModelHead[] = [
  'masked-lm',
  'sequence-classification',
  'token-classification',
  'question-answering',
  'none',
];
const inputs = (pad: number): ForwardInputs => ({
  inputIds: ids([
    [3, 4, 5, 6, 7],
    [8, 9, 2, pad, pad],
  ]),
  attentionMask: ids([
    [1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0],
  ]),
});
const padOf = (model: AnyModel): number => model.config.padTokenId!;
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - b[i])),
    a.length === b.length ? 0 : Infinity,
  );

beforeAll(() => use('cpu'));

describe.each(names)('%s', (name) => {
  it.each([
    ['masked-lm', [2, 5, 13]],
    ['sequence-classification', [2, 4]],
    ['token-classification', [2, 5, 4]],
    ['question-answering', [2, 5, 2]],
    ['none', [2, 5, 12]],
  ])('with the head %s gives %j, and a gradient to every weight', (head, shape) => {
    const model = make(name, { head, numLabels: 4 });
    const { architecture, config, params } = model;
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const given = inputs(padOf(model));
      const pairs = flattenParams(params);
      const loss = (...leaves: tf.Tensor[]): tf.Scalar => {
        const tree = unflattenParams(pairs.map(([path], i) => [path, leaves[i]]));
        const { logits, pooled } = architecture.forward(tree, given, { config });
        expect(logits.shape).toEqual(shape);
        const random = tf.sum(tf.mul(logits, tf.randomNormal(logits.shape, 0, 1, 'float32', 5)));
        return pooled && head === 'none' ? tf.add(random, tf.sum(pooled)) : tf.add(random, 0);
      };
      const grads = tf.grads(loss)(pairs.map(([, weight]) => weight as tf.Tensor));
      const dead = pairs.flatMap(([path], i) => (tf.max(tf.abs(grads[i])).dataSync()[0] > 0 ? [] : [path]));
      expect(dead).toEqual([]);
    });
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('padding changes nothing, and the padding token has neither weight nor gradient of its own', () => {
    const model = make(name, { head: 'sequence-classification' });
    const { architecture, config, params } = model;
    const long = architecture.forward(params, inputs(padOf(model)), { config }).logits.dataSync();
    const short = architecture.forward(params, { inputIds: ids([[8, 9, 2]]) }, { config }).logits.dataSync();
    expect(distance(long.slice(long.length / 2), short)).toBeLessThan(1e-5);
    const table = (params.tokenEmbedding as { weight: tf.Tensor }).weight;
    const row = (t: tf.Tensor): number[] => (t.arraySync() as number[][])[padOf(model)];
    expect(row(table).every((value) => value === 0)).toBe(true);
    const grad = tf.grad((weight: tf.Tensor): tf.Scalar => {
      const tree = { ...params, tokenEmbedding: { weight } };
      return tf.sum(architecture.forward(tree, { inputIds: ids([[8, padOf(model), 2]]) }, { config }).logits);
    })(table);
    expect(row(grad).every((value) => value === 0)).toBe(true);
  });

  it('shows its hidden states as transformers numbers them', () => {
    const model = make(name);
    const { architecture, config, params } = model;
    const wanted = hiddenStateNames(config, { postNorm: architecture.postNorm });
    const capture = createCapture({ names: [...wanted, 'layers.*.attention.weights', 'logits'] });
    const { hiddenStates } = architecture.forward(params, inputs(padOf(model)), { config, capture });
    expect(Object.keys(capture.values).sort()).toEqual(
      [...wanted, 'layers.0.attention.weights', 'layers.1.attention.weights', 'logits'].sort(),
    );
    expect(distance(hiddenStates!.dataSync(), capture.values['layers.1.output'].dataSync())).toBe(0);
  });

  it('drops only in training, and by its key', () => {
    const model = make(name, { head: 'sequence-classification', hiddenDropout: 0.3 });
    const { architecture, config, params } = model;
    const run = (more: object): number[] =>
      Array.from(architecture.forward(params, inputs(padOf(model)), { config, ...more }).logits.dataSync());
    const [one, two] = [createKey(1), createKey(2)];
    expect(run({ key: one })).toEqual(run({}));
    expect(run({ key: one, training: true })).toEqual(run({ key: one, training: true }));
    expect(run({ key: one, training: true })).not.toEqual(run({}));
    expect(run({ key: one, training: true })).not.toEqual(run({ key: two, training: true }));
  });

  it('counts in its summary what is multiplied', () => {
    const [masked, classifier] = heads.slice(0, 2).map((head) => summary(make(name, { head })));
    const embedding = (of: typeof masked) => of.rows.find((row) => row.name === 'tokenEmbedding.weight')!.flopsPerToken;
    expect(embedding(masked)).toBe(2 * 13 * 12);
    expect(embedding(classifier)).toBe(0);
    expect(masked.nonEmbeddingParameters).toBeLessThan(masked.parameters - 13 * 12);
  });

  it.each<[object, RegExp]>([
    [{ head: 'sequence-to-sequence' }, /no head 'sequence-to-sequence'/],
    [{ head: 'causal-lm' }, /causal-lm/],
    [{ numAttentionHeads: 5 }, /5 heads do not divide the width 12/],
    [{ numLabels: 0 }, /numLabels/],
    [{ problemType: 'ranking' }, /problemType/],
    [{ padTokenId: 13 }, /padTokenId/],
    [{ hiddenDropout: 1 }, /hiddenDropout/],
    [{ vocabsize: 3 }, /did you mean 'vocabSize'/],
  ])('refuses %j', (more, message) => {
    expect(() => make(name, more)).toThrow(message);
  });
});

describe('what is particular', () => {
  it('BERT as a decoder sees only what came before, through a cache too', () => {
    const model = make('bert', { isDecoder: true, head: 'causal-lm' });
    const { architecture, config, params } = model;
    const row = [3, 4, 5, 6, 7];
    const whole = architecture.forward(params, { inputIds: ids([row]) }, { config }).logits.arraySync() as number[][][];
    const first = architecture.forward(params, { inputIds: ids([row.slice(0, 2)]) }, { config });
    expect(distance(first.logits.dataSync(), whole[0].slice(0, 2).flat())).toBeLessThan(1e-5);
    let cache = createKeyValueCache(2, { batch: 1, heads: 3, capacity: 8, headDim: 4 });
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 5],
    ]) {
      const output = architecture.forward(params, { inputIds: ids([row.slice(from, to)]), cache }, { config });
      expect(distance(output.logits.dataSync(), whole[0].slice(from, to).flat())).toBeLessThan(1e-5);
      cache = output.cache!;
    }
  });

  it('segments change what BERT sees', () => {
    const { architecture, config, params } = make('bert');
    const inputIds = ids([[3, 4, 5]]);
    const run = (types?: number[]): ArrayLike<number> =>
      architecture
        .forward(params, { inputIds, ...(types && { tokenTypeIds: ids([types]) }) }, { config })
        .logits.dataSync();
    expect(distance(run(), run([0, 0, 0]))).toBe(0);
    expect(distance(run(), run([0, 1, 1]))).toBeGreaterThan(0.01);
    expect(() => run([0])).toThrow(/E_SHAPE.*tokenTypeIds/);
  });

  it('RoBERTa counts positions from the padding token, past padding only', () => {
    const model = make('roberta');
    const { architecture, config, params } = model;
    const run = (rows: number[][], positions?: number[][]): ArrayLike<number> =>
      architecture
        .forward(params, { inputIds: ids(rows), ...(positions && { positionIds: ids(positions) }) }, { config })
        .logits.dataSync();
    expect(distance(run([[3, 4, 1, 5]]), run([[3, 4, 1, 5]], [[2, 3, 1, 4]]))).toBe(0);
    expect(() => run([Array<number>(15).fill(3)])).toThrow(/E_CONTEXT_LENGTH.*14/);
    expect(() => make('roberta', { padTokenId: null })).toThrow(/padTokenId/);
  });

  it("DistilBERT's fixed positions are the sines, and not trained", () => {
    const model = make('distilbert', { sinusoidalPositions: true });
    const table = (model.params.positionEmbedding as { weight: tf.Tensor }).weight.arraySync() as number[][];
    expect(table[3][0]).toBeCloseTo(Math.sin(3), 6);
    expect(table[3][1]).toBeCloseTo(Math.cos(3), 6);
    expect(table[3][11]).toBeCloseTo(Math.cos(3 / 10000 ** (10 / 12)), 6);
    const spec = model.architecture.parameters(model.config).find(({ path }) => path === 'positionEmbedding.weight');
    expect(spec).toMatchObject({ trainable: false, decay: false });
  });
});
