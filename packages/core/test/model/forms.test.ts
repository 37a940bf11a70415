import * as tf from '@tensorflow/tfjs-core';
import {
  compile,
  createKey,
  createModel,
  embed,
  generateAll,
  gpt2,
  linear,
  lowRank,
  mapParams,
  mergeAdapter,
  paramTensors,
  promptTable,
  removeAdapter,
  scaled,
  t5,
  unmergeAdapter,
  virtualIds,
  weightOperations,
  withAdapter,
  withHead,
  withVirtualTokens,
} from '@tesserae/core';
import type { LinearLayout, Model, Weight, WeightForm } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

const size = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 12 };
const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
const close = (one: tf.Tensor, other: tf.Tensor, digits = 5): void =>
  values(one).forEach((value, i) => expect(value).toBeCloseTo(values(other)[i], digits));

/** Numbers that look random, of any shape. */
const drawn = (shape: number[], from = 0): tf.Tensor =>
  tf.tidy(() => tf.sin(tf.mul(tf.add(tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape), from), 1.7)));

const dense = (weight: Weight): tf.Tensor => weightOperations(weight as WeightForm).toDense(weight as WeightForm);

/** Every kind of form around a base [4, 3] that lies either way. */
const made = (layout: LinearLayout, inner: (base: tf.Tensor) => Weight = (base) => base): [string, WeightForm][] => {
  const base = inner(drawn(layout === 'out-in' ? [4, 3] : [3, 4]));
  const low = { a: drawn([2, 3], 5), b: drawn([4, 2], 9), scale: 0.5, layout };
  return [
    ['low rank', lowRank(base, low)],
    ['low rank with magnitudes', lowRank(base, { ...low, magnitude: drawn([4], 30) })],
    ['scaled outputs', scaled(base, { scale: drawn([4], 2), side: 'output', layout })],
    ['scaled inputs', scaled(base, { scale: drawn([3], 2), side: 'input', layout })],
  ];
};

await describeOnBackends('weight forms around others', (backend) => {
  beforeAll(() => use(backend));

  it.each(['out-in', 'in-out'] as const)('are the matrix that they stand for, %s', (layout) => {
    for (const [name, weight] of [...made(layout), ...made(layout, (base) => made(layout, () => base)[0][1])]) {
      const x = drawn([2, 5, 3], 40);
      const bias = drawn([4], 50);
      const { around } = weightOperations(weight);
      const merged = dense(weight);
      const mergedBias = around!.mergeBias?.(weight, bias) ?? bias;
      close(linear(x, weight, { layout, bias }), linear(x, merged, { layout, bias: mergedBias }));
      expect(weightOperations(weight).shape(weight), name).toEqual(merged.shape);
    }
  });

  it('run inside programs, and are told apart by what is not a tensor', () => {
    let traces = 0;
    const run = compile((weight: Weight, x: tf.Tensor) => {
      traces++;
      return linear(x, weight);
    });
    const x = drawn([2, 3]);
    const [[, first], [, second]] = made('out-in');
    const other = lowRank(drawn([4, 3]), { a: drawn([2, 3], 5), b: drawn([4, 2], 9), scale: 2 });
    for (const weight of [first, second, other, first]) close(run(weight, x), linear(x, weight));
    expect(traces).toBeGreaterThanOrEqual(backend === 'onnx' ? 3 : 4);
    run.dispose();
  });

  it('leave no tensors', () => {
    const [x, forms] = [drawn([2, 3]), made('out-in').map(([, form]) => form)];
    const before = tf.memory().numTensors;
    for (const form of forms) tf.dispose([linear(x, form), dense(form)]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('look up rows of tables, and leave a tied output alone', () => {
    const table = drawn([5, 4]);
    const low = { a: drawn([2, 5], 3), b: drawn([4, 2], 7), scale: 0.5, layout: 'in-out', table: true } as const;
    const ids = tf.tensor1d([4, 0, 4], 'int32');
    for (const weight of [lowRank(table, low), lowRank(table, { ...low, magnitude: drawn([4], 1) })]) {
      close(embed(ids, weight), embed(ids, dense(weight)));
      const x = drawn([2, 4]);
      close(linear(x, weight), linear(x, table));
    }
  });
});

describe('low-rank weights', () => {
  beforeAll(() => use('cpu'));

  it('drop what goes into A while training, by the key alone', () => {
    const model = adapted({ dropout: 0.5 });
    const inputIds = tf.tensor2d([1, 2, 3, 4], [1, 4], 'int32');
    const run = (training: boolean, seed: number): number[] =>
      values(
        gpt2.forward(model.params, { inputIds }, {
          config: { ...model.config, attentionDropout: 0, residualDropout: 0, embeddingDropout: 0 },
          training,
          key: createKey(seed),
        } as never).logits,
      );
    expect(run(true, 1)).toEqual(run(true, 1));
    expect(run(true, 1)).not.toEqual(run(true, 2));
    expect(run(true, 1)).not.toEqual(run(false, 1));
    expect(run(false, 1)).toEqual(run(false, 2));
  });

  it.each([
    [{ a: [2, 4] }, /E_SHAPE.*a must be \[rank, inputFeatures\] = \[any, 3\], found \[2, 4\]/],
    [{ b: [4, 3] }, /E_SHAPE.*b must be \[outputFeatures, rank\] = \[4, 2\]/],
    [{ magnitude: [3] }, /E_SHAPE.*magnitude/],
    [{ scale: Number.NaN }, /E_OPTION.*scale is NaN/],
    [{ dropout: 1 }, /E_OPTION.*dropout is 1/],
  ])('refuse %j', (more, message) => {
    const wrong = Object.fromEntries(Object.entries(more).map(([key, v]) => [key, Array.isArray(v) ? drawn(v) : v]));
    expect(() => lowRank(drawn([4, 3]), { a: drawn([2, 3]), b: drawn([4, 2]), scale: 1, ...wrong })).toThrow(message);
  });

  it('refuse to be used the other way round', () => {
    const weight = made('out-in')[0][1];
    expect(() => linear(drawn([2, 3]), weight, { layout: 'in-out' })).toThrow(
      /E_WEIGHT_FORM.*lies out-in is used as in-out/,
    );
    expect(() => embed(tf.tensor1d([0], 'int32'), made('out-in')[2][1])).toThrow(
      /E_WEIGHT_FORM.*rows of a scaled weight/,
    );
    expect(() => scaled(drawn([4, 3]), { scale: drawn([3]), side: 'output' })).toThrow(/E_SHAPE.*outputFeatures/);
  });
});

/** A GPT-2 with a low-rank weight on every attention. */
function adapted(more: { dropout?: number } = {}): Model {
  const base = createModel(gpt2, size, { seed: 1 }) as unknown as Model;
  const params = mapParams(base.params, (weight, path) =>
    path.endsWith('queryKeyValue.weight')
      ? lowRank(weight, { a: drawn([2, 8]), b: drawn([24, 2]), scale: 1, layout: 'in-out', ...more })
      : weight,
  );
  return withAdapter(base, params, { method: 'lora', base, whole: [], settings: {} });
}

describe('adapters', () => {
  beforeAll(() => use('cpu'));

  it('share the base, and learn alone', () => {
    const model = adapted();
    const { base } = model.adapter!;
    const own = paramTensors(model.params).filter((tensor) => !paramTensors(base.params).includes(tensor));
    expect(own.length).toBe(4);
    expect(model.trainable!('layers.0.attention.queryKeyValue.weight#a')).toBe(true);
    expect(model.trainable!('layers.0.attention.queryKeyValue.weight#base')).toBe(false);
    expect(model.trainable!('tokenEmbedding.weight')).toBe(false);
  });

  it('stand on adapters, learn alone there too, and merge at once', () => {
    const first = adapted();
    const params = mapParams(first.params, (weight, path) =>
      path.startsWith('layers.0.') && path.endsWith('queryKeyValue.weight')
        ? lowRank(weight, { a: drawn([1, 8], 3), b: drawn([24, 1], 4), scale: 2, layout: 'in-out' })
        : weight,
    );
    const second = withAdapter(first, params, { method: 'lora', base: first, whole: [], settings: {} });
    expect(second.trainable!('layers.0.attention.queryKeyValue.weight#a')).toBe(true);
    expect(second.trainable!('layers.1.attention.queryKeyValue.weight#a')).toBe(false);
    const inputIds = tf.tensor2d([1, 2, 3], [1, 3], 'int32');
    const run = ({ params: tree, config }: Model): tf.Tensor =>
      gpt2.forward(tree, { inputIds }, { config } as never).logits;
    close(run(mergeAdapter(second)), run(second), 4);
    close(run(mergeAdapter(first)), run(first), 4);
    close(run(unmergeAdapter(mergeAdapter(first), first)), run(first), 4);
  });

  it('are refused where there is none, or where none can be merged', () => {
    const base = createModel(gpt2, size, { seed: 1 }) as unknown as Model;
    for (const act of [removeAdapter, mergeAdapter]) expect(() => act(base)).toThrow(/E_ADAPTER.*has no adapter/);
    const model = adapted();
    expect(() => unmergeAdapter({ ...base, params: {} }, model)).toThrow(/E_ADAPTER.*no plain weight/);
    const zero = mapParams(base.params, (weight, path) =>
      path === 'layers.0.feedForward.up.weight'
        ? scaled(weight, { scale: tf.zeros([32]), side: 'output', layout: 'in-out' })
        : weight,
    );
    const silent = withAdapter(base, zero, { method: 'ia3', base, whole: [], settings: {} });
    expect(() => unmergeAdapter(mergeAdapter(silent), silent)).toThrow(/E_ADAPTER.*a factor is 0/);
  });
});

describe('virtual tokens', () => {
  beforeAll(() => use('cpu'));

  /** A model that reads real tokens 5, 6, 7 before every text, as virtual ones. */
  const prompted = (base: Model, path = 'tokenEmbedding.weight'): Model => {
    const table = (weight: Weight): Weight =>
      promptTable(weight, tf.gather(weight as tf.Tensor, tf.tensor1d([5, 6, 7], 'int32')));
    const params = mapParams(base.params, (weight, at) => (at === path ? table(weight) : weight));
    const architecture = withVirtualTokens(base.architecture, 3);
    return withAdapter({ ...base, architecture }, params, { method: 'prompt-tuning', base, whole: [], settings: {} });
  };

  it('stand before the text in a forward pass and in generation, with a cache and beams too', async () => {
    const base = createModel(gpt2, size, { seed: 1 }) as unknown as Model;
    const model = prompted(base);
    expect(virtualIds(model)).toEqual([11, 12, 13]);
    const [text, whole] = [
      [1, 2],
      [5, 6, 7, 1, 2],
    ].map((ids) => tf.tensor2d(ids, [1, ids.length], 'int32'));
    const run = (m: Model, inputIds: tf.Tensor): tf.Tensor =>
      m.architecture.forward(m.params, { inputIds }, { config: m.config }).logits;
    close(run(model, text), tf.slice(run(base, whole), [0, 3, 0], [1, 2, 11]));
    for (const more of [{}, { numBeams: 2 }]) {
      const options = { maxNewTokens: 5, stopTokens: [], ...more };
      const [own] = await generateAll(model, [[1, 2]], options);
      const [wanted] = await generateAll(base, [[5, 6, 7, 1, 2]], options);
      expect(own.ids).toEqual(wanted.ids);
      expect(own.promptIds).toEqual([1, 2]);
    }
    await expect(generateAll(model, [[1, 2]], { maxNewTokens: 9, stopTokens: [] })).rejects.toThrow(/9 positions/);
  });

  it('stand before an encoder’s text', async () => {
    const config = { ...size, intermediateSize: 16, headDim: 4, decoderStartTokenId: 0 };
    const base = createModel(t5, config as never, { seed: 1 }) as unknown as Model;
    const model = prompted(base);
    const options = { maxNewTokens: 5, stopTokens: [] };
    const [own] = await generateAll(model, [[1, 2]], options);
    const [wanted] = await generateAll(base, [[5, 6, 7, 1, 2]], options);
    expect(own.ids).toEqual(wanted.ids);
  });
});

describe('withHead', () => {
  beforeAll(() => use('cpu'));

  it('shares the body and draws the head by the seed', () => {
    const base = createModel(gpt2, { ...size, padTokenId: 0 }, { seed: 1 });
    const before = tf.memory().numTensors;
    const one = withHead(base, 'sequence-classification', { numLabels: 3, seed: 1 });
    expect(tf.memory().numTensors - before).toBe(1);
    const other = withHead(base, 'sequence-classification', { numLabels: 3, seed: 2 });
    const head = (model: Model<never>): tf.Tensor => (model.params.classifier as { weight: tf.Tensor }).weight;
    expect(head(one as never).shape).toEqual([3, 8]);
    expect(values(head(one as never))).not.toEqual(values(head(other as never)));
    expect((one.params.tokenEmbedding as { weight: tf.Tensor }).weight).toBe(
      (base.params.tokenEmbedding as { weight: tf.Tensor }).weight,
    );
  });
});
