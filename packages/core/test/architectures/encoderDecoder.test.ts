import * as tf from '@tensorflow/tfjs-core';
import {
  bart,
  cacheShapeOf,
  compile,
  createKeyValueCache,
  createModel,
  disposeModel,
  flattenParams,
  marian,
  shiftRight,
  t5,
  unflattenParams,
} from '@tesserae/core';
import type {
  ArchitectureConfig,
  EncoderOutput,
  ForwardInputs,
  ForwardOutput,
  KeyValueCache,
  Model,
  Params,
} from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

type AnyModel = Model<ArchitectureConfig>;

const size = {
  vocabSize: 13,
  hiddenSize: 12,
  headDim: 5,
  intermediateSize: 20,
  numHiddenLayers: 2,
  numDecoderLayers: 3,
  numAttentionHeads: 2,
  relativeAttentionBuckets: 8,
  relativeAttentionMaxDistance: 6,
};
const bartSize = {
  vocabSize: 13,
  hiddenSize: 12,
  intermediateSize: 20,
  decoderIntermediateSize: 16,
  numHiddenLayers: 2,
  numDecoderLayers: 3,
  numAttentionHeads: 2,
  numDecoderAttentionHeads: 3,
  maxPositionEmbeddings: 16,
  initializerRange: 0.4,
  scaleEmbedding: true,
  padTokenId: 0,
  decoderStartTokenId: 0,
};
const models: Record<string, (more?: object) => AnyModel> = {
  t5: (more = {}) => createModel(t5, { ...size, ...more }, { seed: 7 }) as unknown as AnyModel,
  bart: (more = {}) => createModel(bart, { ...bartSize, ...more }, { seed: 7 }) as unknown as AnyModel,
  marian: (more = {}) => createModel(marian, { ...bartSize, ...more }, { seed: 7 }) as unknown as AnyModel,
};
const ids = (rows: number[][]): tf.Tensor => tf.tensor2d(rows, [rows.length, rows[0].length], 'int32');

const inputs = (): ForwardInputs => ({
  inputIds: ids([
    [3, 4, 5, 6, 7],
    [8, 9, 2, 0, 0],
  ]),
  attentionMask: ids([
    [1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0],
  ]),
});
const said = [
  [0, 5, 6, 7, 8, 9],
  [0, 7, 7, 1, 2, 3],
];

/** The largest difference between two lists. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - b[i])),
    a.length === b.length ? 0 : Infinity,
  );

await describeOnBackends('decoding of encoder-decoders', (backend) => {
  beforeAll(() => use(backend));

  it.each(Object.keys(models))('of %s step by step, with the encoder run once, says what it says at once', (name) => {
    const model = models[name]();
    const { architecture, config, params } = model;
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const whole = architecture.forward(params, { ...inputs(), decoderInputIds: ids(said) }, { config });
      const logits = whole.logits.arraySync() as number[][][]; // [B, T, V]
      const encode = compile((p: Params, given: ForwardInputs): EncoderOutput =>
        architecture.encode!(p, given, { config }),
      );
      const decode = compile((p: Params, given: ForwardInputs): ForwardOutput =>
        architecture.forward(p, given, { config, logits: 'last' }),
      );
      const encoder = encode(params, inputs());
      const { layers, heads, headDim } = cacheShapeOf(model);
      let cache: KeyValueCache = createKeyValueCache(layers, { batch: 2, heads, capacity: 8, headDim });
      let done = 0;
      for (const length of [2, 1, 1, 2]) {
        const decoderInputIds = ids(said.map((row) => row.slice(done, done + length)));
        const output = decode(params, { ...inputs(), decoderInputIds, encoder, cache });
        done += length;
        cache = output.cache!;
        const expected = logits.map((row) => row[done - 1]).flat();
        expect(distance(output.logits.dataSync(), expected)).toBeLessThan(1e-4);
      }
      encode.dispose();
      decode.dispose();
    });
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });
});

describe.each(Object.keys(models))('%s', (name) => {
  it('padding of the text changes nothing', async () => {
    await use('cpu');
    const { architecture, config, params } = models[name]();
    const long = architecture.forward(params, { ...inputs(), decoderInputIds: ids(said) }, { config });
    const short = architecture.forward(
      params,
      { inputIds: ids([[8, 9, 2]]), decoderInputIds: ids([said[1]]) },
      { config },
    );
    const half = long.logits.size / 2;
    expect(distance(long.logits.dataSync().slice(half), short.logits.dataSync())).toBeLessThan(1e-5);
  });

  it('every weight of every head has a gradient', async () => {
    await use('cpu');
    const heads = [
      'sequence-to-sequence',
      'none',
      ...(name === 'marian' ? [] : ['sequence-classification', 'question-answering']),
    ];
    for (const head of heads) {
      const { architecture, config, params } = models[name]({ head, numLabels: 3, eosTokenId: 2, padTokenId: 0 });
      const pairs = flattenParams(params);
      const specs = new Map(architecture.parameters(config).map((spec) => [spec.path, spec]));
      expect(pairs.map(([path]) => path)).toEqual([...specs.keys()]);
      const given = { ...inputs(), decoderInputIds: ids(said) };
      const loss = (...leaves: tf.Tensor[]): tf.Scalar => {
        const tree = unflattenParams(pairs.map(([path], i) => [path, leaves[i]]));
        const { logits } = architecture.forward(tree, given, { config });
        return tf.sum(tf.mul(logits, tf.randomNormal(logits.shape, 0, 1, 'float32', 5)));
      };
      const grads = tf.grads(loss)(pairs.map(([, weight]) => weight as tf.Tensor));
      grads.forEach((grad, i) => {
        if (specs.get(pairs[i][0])!.trainable === false) return;
        expect([head, pairs[i][0], tf.max(tf.abs(grad)).dataSync()[0] > 0]).toEqual([head, pairs[i][0], true]);
      });
    }
  });

  it('refuses what does not fit, by its code', async () => {
    await use('cpu');
    const { architecture, config, params } = models[name]();
    const forward = (more: Partial<ForwardInputs>) => () =>
      architecture.forward(params, { ...inputs(), decoderInputIds: ids(said), ...more }, { config });
    const encoder = architecture.encode!(params, inputs(), { config });
    const cache = createKeyValueCache(1, { batch: 2, heads: 2, capacity: 8, headDim: 5 }); // one layer of three
    expect(forward({ encoder: { ...encoder, keys: [] } })).toThrow(/E_CACHE/);
    expect(forward({ cache })).toThrow(/E_CACHE/);
    expect(forward({ attentionMask: ids([[1], [1]]) })).toThrow(/E_SHAPE/);
    expect(forward({ decoderInputIds: ids([[1]]), encoder })).toThrow(/E_SHAPE/);
    expect(forward({ decoderAttentionMask: ids([[1], [1]]) })).toThrow(/E_SHAPE/);
    expect(() => architecture.configure({ head: 'masked-lm' })).toThrow(/E_CONFIG.*masked-lm/);
  });
});

describe('t5', () => {
  it('needs the decoder ids of a sequence-to-sequence model', async () => {
    await use('cpu');
    const { architecture, config, params } = models.t5();
    expect(() => architecture.forward(params, inputs(), { config })).toThrow(/E_DECODER_INPUT/);
  });

  it('of the encoder alone has no decoder', async () => {
    await use('cpu');
    const { architecture, config, params } = models.t5({ head: 'none', encoderOnly: true });
    expect(Object.keys(params)).toEqual(['tokenEmbedding', 'encoder']);
    expect(architecture.forward(params, inputs(), { config }).logits.shape).toEqual([2, 5, 12]);
  });
});

describe('shiftRight', () => {
  it('moves the labels, and makes ignored ones padding', async () => {
    await use('cpu');
    const labels = ids([
      [4, -100, 5],
      [6, 7, -100],
    ]);
    expect(shiftRight(labels, { start: 9, pad: 1 }).arraySync()).toEqual([
      [9, 4, 1],
      [9, 6, 7],
    ]);
    expect(shiftRight(ids([[4]]), { start: 9, pad: 1 }).arraySync()).toEqual([[9]]);
  });
});
