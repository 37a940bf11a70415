import * as tf from '@tensorflow/tfjs-core';
import {
  cloneModel,
  countParameters,
  createCapture,
  createModel,
  disposeModel,
  embed,
  flattenParams,
  gpt2,
  isWeight,
  isWeightForm,
  linear,
  llama,
  mapParams,
  modelBytes,
  observe,
  paramTensors,
  unflattenParams,
  weightOperations,
  weightSymbol,
} from '@tesserae/core';
import type { Params, WeightForm, WeightOperations } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

beforeAll(() => use('cpu'));

const size = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 6 };

interface Doubled extends WeightForm {
  readonly half: tf.Tensor2D;
}
const doubledOperations: WeightOperations<Doubled> = {
  kind: 'doubled',
  shape: ({ half }) => half.shape,
  linear: ({ half }, x, { layout, bias }) => {
    const y = tf.mul(
      tf.matMul(tf.reshape(x, [-1, x.shape[x.shape.length - 1] as number]), half, false, layout !== 'in-out'),
      2,
    );
    const shaped = tf.reshape(y, [...x.shape.slice(0, -1), y.shape[1] as number]);
    return bias ? tf.add(shaped, bias) : shaped;
  },
  embed: ({ half }, ids) => tf.mul(tf.gather(half, ids as tf.Tensor1D), 2),
  toDense: ({ half }) => tf.mul(half, 2),
  tensors: ({ half }) => ({ half }),
  withTensors: (weight, { half }) => ({ ...weight, half: half as tf.Tensor2D }),
  structure: () => '',
};
const doubled = (half: tf.Tensor): Doubled => ({ [weightSymbol]: doubledOperations, half: half as tf.Tensor2D });

describe('parameter trees', () => {
  const tree = (): Params => ({ norm: { weight: tf.ones([2]) }, layers: [{ a: tf.ones([1]) }, { a: tf.zeros([3]) }] });

  it('flatten and unflatten to the same', () => {
    const params = tree();
    const pairs = flattenParams(params);
    expect(pairs.map(([path]) => path)).toEqual(['norm.weight', 'layers.0.a', 'layers.1.a']);
    expect(unflattenParams(pairs)).toEqual(params);
    expect(unflattenParams([...pairs].reverse())).toEqual(params);
  });

  it('map to a new tree', () => {
    const params = tree();
    const seen: string[] = [];
    const mapped = mapParams(params, (weight, path) => {
      seen.push(path);
      return tf.mul(weight as tf.Tensor, 2);
    });
    expect(seen).toEqual(['norm.weight', 'layers.0.a', 'layers.1.a']);
    expect(flattenParams(mapped).map(([, w]) => (w as tf.Tensor).arraySync())).toEqual([[2, 2], [2], [0, 0, 0]]);
    expect((params.norm as { weight: tf.Tensor }).weight.arraySync()).toEqual([1, 1]);
  });

  it('treat weight forms as leaves', () => {
    const half = tf.ones([2, 2]);
    const params: Params = { x: doubled(half) };
    expect(flattenParams(params)).toEqual([['x', params.x]]);
    expect(paramTensors(params)).toEqual([half]);
    expect([isWeight(params.x), isWeightForm(params.x), isWeightForm(half), isWeight(params)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(weightOperations(params.x as WeightForm).kind).toBe('doubled');
  });

  it.each([
    [[['', 1]], "the parameter path '' has an empty segment"],
    [[['a..b', 1]], 'has an empty segment'],
    [
      [
        ['a', 1],
        ['a', 1],
      ],
      'is taken already',
    ],
    [
      [
        ['a', 1],
        ['a.b', 1],
      ],
      'runs through the weight at a',
    ],
    [
      [
        ['a.b', 1],
        ['a', 1],
      ],
      'is taken already',
    ],
    [
      [
        ['l.0', 1],
        ['l.2', 1],
      ],
      'is missing among 2 array entries',
    ],
  ] as const)('refuse the paths %j', (paths, message) => {
    expect(() => unflattenParams(paths.map(([path]) => [path, tf.scalar(1)] as const))).toThrow(
      new RegExp(`E_PARAMS: .*${message}`),
    );
  });

  it('refuse what is no tree, and do not reach into prototypes', () => {
    expect(() => flattenParams({ a: 3 } as never)).toThrow(/E_PARAMS: a is number, not a weight/);
    expect(() => flattenParams({ a: null } as never)).toThrow(/E_PARAMS: a is null/);
    const odd = unflattenParams([['__proto__.polluted', tf.scalar(1)]]);
    expect(Object.keys(odd)).toEqual(['__proto__']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('createModel', () => {
  it('gives the same weights for the same seed, each parameter its own', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => createModel(gpt2, size, { seed }));
    const numbers = (model: typeof a): number[][] =>
      paramTensors(model.params).map((tensor) => Array.from(tensor.dataSync()));
    expect(numbers(a)).toEqual(numbers(b));
    expect(numbers(a)).not.toEqual(numbers(c));
    const firsts = flattenParams(a.params).filter(
      ([path]) => /attention|feedForward\./.test(path) && path.endsWith('weight') && !path.includes('Norm'),
    );
    expect(new Set(firsts.map(([, w]) => (w as tf.Tensor).dataSync()[0])).size).toBe(firsts.length);
  });

  it('initializes GPT-2 as the paper says', () => {
    const model = createModel(gpt2, { ...size, vocabSize: 500, hiddenSize: 64, numHiddenLayers: 8 }, { seed: 3 });
    const deviation = (path: string): number => {
      const [, w] = flattenParams(model.params).find(([name]) => name === path)!;
      return tf.tidy(() => tf.sqrt(tf.moments(w as tf.Tensor).variance).dataSync()[0]);
    };
    expect(deviation('tokenEmbedding.weight')).toBeCloseTo(0.02, 3);
    expect(deviation('layers.3.attention.queryKeyValue.weight')).toBeCloseTo(0.02, 3);
    expect(deviation('layers.3.attention.output.weight')).toBeCloseTo(0.02 / 4, 3);
    expect(deviation('layers.7.feedForward.down.weight')).toBeCloseTo(0.02 / 4, 3);
    expect(deviation('layers.0.attentionNorm.weight')).toBe(0);
  });

  it('decays matrices and nothing else', () => {
    for (const [architecture, config] of [
      [gpt2, size],
      [llama, { ...size, attentionBias: true, mlpBias: true }],
    ] as const) {
      const complete = architecture.configure(config as never);
      for (const { shape, decay } of architecture.parameters(complete as never)) expect(decay).toBe(shape.length === 2);
    }
  });

  it('refuses a tokenizer with more ids than the model, and bad seeds', () => {
    expect(() => createModel(gpt2, size, { tokenizer: { vocabSize: 12 } as never })).toThrow(
      /E_VOCABULARY: the tokenizer has 12 ids, the model 11; set vocabSize to 12/,
    );
    expect(() => createModel(gpt2, size, { seed: -1 })).toThrow(/E_SEED/);
    const model = createModel(gpt2, size, { tokenizer: { vocabSize: 11 } as never });
    expect(model.tokenizer?.vocabSize).toBe(11);
    expect(createModel(gpt2, size).tokenizer).toBeUndefined();
  });

  it('counts, weighs, clones and disposes', () => {
    const before = tf.memory().numTensors;
    const model = createModel(llama, { ...size, intermediateSize: 12 }, { seed: 1 });
    const parameters = 11 * 8 * 2 + 2 * (4 * 64 + 3 * 96 + 16) + 8;
    expect([countParameters(model), modelBytes(model)]).toEqual([parameters, 4 * parameters]);
    const copy = cloneModel(model);
    disposeModel(model);
    expect(paramTensors(copy.params).every((tensor) => !tensor.isDisposed)).toBe(true);
    const shared = { ...copy, params: { ...copy.params, again: copy.params.tokenEmbedding } };
    expect(modelBytes(shared)).toBe(4 * parameters);
    disposeModel(copy);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('weight forms', () => {
  it('take the place of matrices in linear and embed', () => {
    const half = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    expect(linear(tf.tensor1d([1, 1]), doubled(half), { layout: 'in-out' }).arraySync()).toEqual([8, 12]);
    expect(embed(tf.tensor1d([1], 'int32'), doubled(half)).arraySync()).toEqual([[6, 8]]);
  });

  it('take the place of matrices in a whole model', () => {
    for (const [architecture, config] of [
      [gpt2, size],
      [llama, { ...size, intermediateSize: 12 }],
    ] as const) {
      const model = createModel(architecture as typeof gpt2, config, { seed: 5 });
      const params = mapParams(model.params, (weight) =>
        (weight as tf.Tensor).shape.length === 2 ? doubled(tf.div(weight as tf.Tensor, 2)) : weight,
      );
      const inputs = { inputIds: tf.tensor2d([[1, 2, 3]], [1, 3], 'int32') };
      const [plain, formed] = [model.params, params].map((p) =>
        model.architecture.forward(p, inputs, { config: model.config }).logits.dataSync(),
      );
      plain.forEach((value, index) => expect(formed[index]).toBeCloseTo(value, 5));
      expect(countParameters({ ...model, params })).toBe(countParameters(model));
      const copy = cloneModel({ ...model, params });
      expect(paramTensors(copy.params).length).toBe(paramTensors(params).length);
      expect(paramTensors(copy.params).some((tensor) => paramTensors(params).includes(tensor))).toBe(false);
    }
  });
});

describe('capture', () => {
  it('matches names, single and many segments', () => {
    const capture = createCapture({ names: ['finalNorm', 'layers.*.output', 'layers.1.**'] });
    const wants = [
      'finalNorm',
      'finalNorms',
      'layers.0.output',
      'layers.0.attention.output',
      'layers.1.attention.weights',
      'layers.1',
      'layers.10.output',
      'layersX0.output',
    ].filter((name) => capture.wants(name));
    expect(wants).toEqual(['finalNorm', 'layers.0.output', 'layers.1.attention.weights', 'layers.10.output']);
  });

  it('collects what is asked for, after replacing it', () => {
    const capture = createCapture({ names: ['a'], intercept: { 'a*': (value, name) => tf.add(value, name.length) } });
    expect(observe(capture, 'a', tf.scalar(1)).dataSync()[0]).toBe(2);
    expect(observe(capture, 'ab', tf.scalar(1)).dataSync()[0]).toBe(3);
    expect(observe(capture, 'b', tf.scalar(1)).dataSync()[0]).toBe(1);
    expect(Object.keys(capture.values)).toEqual(['a']);
    expect(capture.values.a.dataSync()[0]).toBe(2);
  });
});
