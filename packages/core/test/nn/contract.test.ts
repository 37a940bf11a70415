import * as tf from '@tensorflow/tfjs-core';
import {
  attention,
  attentionOp,
  binaryCrossEntropy,
  binaryCrossEntropyOp,
  createKey,
  crossEntropy,
  crossEntropyOp,
  dropout,
  dropoutOp,
  embed,
  embedOp,
  gelu,
  geluOp,
  geluTanh,
  geluTanhOp,
  keyTensor,
  layerNorm,
  layerNormOp,
  linear,
  linearOp,
  logSoftmax,
  logSoftmaxOp,
  meanSquaredError,
  meanSquaredErrorOp,
  patchEmbedding,
  quickGelu,
  quickGeluOp,
  rmsNorm,
  rmsNormOp,
  rotaryEmbedding,
  rotaryOp,
  rotaryTable,
  silu,
  siluOp,
  softmax,
  softmaxOp,
  swiglu,
  swigluOp,
  writeCache,
  writeCacheOp,
} from '@tesserae/core';
import { describeOpContract } from '@tesserae/core/testing';
import { describe, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';
import { drawsFrom } from '../support/draws';

const draw = drawsFrom(0);
const ids = (values: number[]): tf.Tensor => tf.tensor1d(values, 'int32');
const elementwise = [
  { name: 'a matrix', inputs: () => ({ x: draw([5, 9], 2) }), attributes: {} },
  { name: 'a scalar', inputs: () => ({ x: draw([]) }), attributes: {} },
];
const notTensor = 3 as unknown as tf.Tensor;
const unary = (fn: (x: tf.Tensor) => tf.Tensor): { name: string; call: () => unknown; code: string }[] => [
  { name: 'a number', call: () => fn(notTensor), code: 'E_TENSOR' },
  { name: 'integers', call: () => fn(ids([1])), code: 'E_DTYPE' },
  {
    name: 'a disposed tensor',
    code: 'E_DISPOSED',
    call: () => {
      const x = tf.ones([2]);
      x.dispose();
      return fn(x);
    },
  },
];

const nothing = { bias: undefined, offset: undefined };
/** [B, T, 2]: which keys each query sees, in rows of sequences of these lengths; causal: none after it. */
function spansOf(rows: number[][], causal: boolean): tf.Tensor {
  const spans = rows.map((lengths) =>
    lengths.flatMap((length, i) => {
      const from = lengths.slice(0, i).reduce((sum, one) => sum + one, 0);
      return Array.from({ length }, (_, t) => [from, from + (causal ? t + 1 : length)]);
    }),
  );
  return tf.tensor3d(spans, [rows.length, spans[0].length, 2], 'int32');
}

await describeOnBackends('ops', (backend) => {
  const runner = { describe, it, prepare: () => use(backend) };

  describeOpContract(geluOp, { ...runner, cases: elementwise, refuses: unary(gelu) });
  describeOpContract(geluTanhOp, { ...runner, cases: elementwise, refuses: unary(geluTanh) });
  describeOpContract(quickGeluOp, { ...runner, cases: elementwise, refuses: unary(quickGelu) });
  describeOpContract(siluOp, { ...runner, cases: elementwise, refuses: unary(silu) });
  describeOpContract(softmaxOp, {
    ...runner,
    cases: elementwise.slice(0, 1),
    refuses: [...unary(softmax), { name: 'a scalar', call: () => softmax(tf.scalar(1)), code: 'E_SHAPE' }],
  });
  describeOpContract(logSoftmaxOp, {
    ...runner,
    cases: [{ name: 'rows', inputs: () => ({ logits: draw([4, 7], 3) }), attributes: { axis: 1 } }],
    refuses: unary(logSoftmax),
  });
  describeOpContract(swigluOp, {
    ...runner,
    cases: [{ name: 'a matrix', inputs: () => ({ gate: draw([4, 6]), up: draw([4, 6]) }), attributes: {} }],
    refuses: [{ name: 'other shapes', call: () => swiglu(tf.ones([2, 3]), tf.ones([3, 2])), code: 'E_SHAPE' }],
  });
  describeOpContract(linearOp, {
    ...runner,
    cases: [
      {
        name: 'in-out',
        inputs: () => ({ x: draw([6, 5]), weight: draw([5, 3]), bias: draw([3]) }),
        attributes: { outIn: false },
      },
      {
        name: 'out-in',
        inputs: () => ({ x: draw([6, 5]), weight: draw([3, 5]), bias: undefined }),
        attributes: { outIn: true },
      },
      {
        name: 'large in-out',
        inputs: () => ({ x: draw([64, 256], 0.1), weight: draw([256, 136], 0.1), bias: draw([136]) }),
        attributes: { outIn: false },
      },
      {
        name: 'large out-in',
        inputs: () => ({ x: draw([66, 256], 0.1), weight: draw([130, 256], 0.1), bias: draw([130]) }),
        attributes: { outIn: true },
      },
    ],
    refuses: [
      { name: 'another number of features', call: () => linear(tf.ones([2, 3]), tf.ones([4, 5])), code: 'E_SHAPE' },
      {
        name: 'a bias of another width',
        call: () => linear(tf.ones([2, 5]), tf.ones([4, 5]), { bias: tf.ones([5]) }),
        code: 'E_SHAPE',
      },
      { name: 'a weight that is no matrix', call: () => linear(tf.ones([2, 5]), tf.ones([5])), code: 'E_SHAPE' },
      { name: 'integers', call: () => linear(tf.ones([2, 5], 'int32'), tf.ones([4, 5])), code: 'E_DTYPE' },
    ],
  });
  describeOpContract(embedOp, {
    ...runner,
    cases: [
      {
        name: 'repeated ids',
        inputs: () => ({ weight: draw([5, 4]), ids: ids([1, 1, 0, 4]) }),
        attributes: { paddingId: undefined },
      },
    ],
    refuses: [
      { name: 'float ids', call: () => embed(tf.ones([2]), tf.ones([3, 4])), code: 'E_DTYPE' },
      { name: 'a table that is no matrix', call: () => embed(ids([1]), tf.ones([3])), code: 'E_SHAPE' },
    ],
  });
  describeOpContract(layerNormOp, {
    ...runner,
    cases: [
      {
        name: 'affine',
        inputs: () => ({ x: draw([6, 5]), weight: draw([5]), bias: draw([5]) }),
        attributes: { epsilon: 1e-5 },
      },
      {
        name: 'plain',
        inputs: () => ({ x: draw([6, 8]), weight: undefined, bias: undefined }),
        attributes: { epsilon: 1e-2 },
      },
      {
        name: 'scaled only',
        inputs: () => ({ x: draw([6, 8]), weight: draw([8]), bias: undefined }),
        attributes: { epsilon: 1e-5 },
      },
      {
        name: 'wide',
        inputs: () => ({ x: draw([33, 64]), weight: draw([64]), bias: draw([64]) }),
        attributes: { epsilon: 1e-5 },
      },
    ],
    refuses: [
      {
        name: 'a weight of another width',
        call: () => layerNorm(tf.ones([2, 3]), { weight: tf.ones([2]) }),
        code: 'E_SHAPE',
      },
      {
        name: 'a bias of another width',
        call: () => layerNorm(tf.ones([2, 3]), { bias: tf.ones([2]) }),
        code: 'E_SHAPE',
      },
    ],
  });
  describeOpContract(rmsNormOp, {
    ...runner,
    cases: [
      { name: 'narrow', inputs: () => ({ x: draw([6, 5]), weight: draw([5]) }), attributes: { epsilon: 1e-6 } },
      { name: 'wide', inputs: () => ({ x: draw([33, 64]), weight: draw([64]) }), attributes: { epsilon: 1e-5 } },
    ],
    refuses: [
      { name: 'a weight of another width', call: () => rmsNorm(tf.ones([2, 3]), tf.ones([2])), code: 'E_SHAPE' },
    ],
  });
  const heads = (batch: number, h: number, k: number, time: number, keys: number, e: number) => ({
    query: draw([batch, h, time, e]),
    key: draw([batch, k, keys, e]),
    value: draw([batch, k, keys, e]),
  });
  describeOpContract(attentionOp, {
    ...runner,
    cases: [
      {
        name: 'plain',
        inputs: () => ({ ...heads(2, 2, 2, 3, 5, 4), bias: undefined, offset: undefined }),
        attributes: { scale: 0.5, causal: false },
      },
      {
        name: 'grouped and causal',
        inputs: () => ({ ...heads(2, 4, 2, 5, 5, 3), bias: undefined, offset: undefined }),
        attributes: { scale: 0.6, causal: true },
      },
      {
        name: 'biased',
        inputs: () => ({ ...heads(2, 2, 1, 3, 4, 4), bias: draw([2, 1, 3, 4]), offset: undefined }),
        attributes: { scale: 0.5, causal: false },
      },
      {
        name: 'causal, heads of 16',
        inputs: () => ({ ...heads(2, 4, 2, 37, 37, 16), bias: undefined, offset: undefined }),
        attributes: { scale: 0.25, causal: true },
      },
      {
        name: 'causal, more keys than queries',
        inputs: () => ({ ...heads(1, 2, 2, 5, 40, 32), bias: undefined, offset: undefined }),
        attributes: { scale: 0.2, causal: true },
      },
      {
        name: 'causal in a window, heads of 16',
        inputs: () => ({ ...heads(2, 4, 2, 9, 9, 16), bias: undefined, offset: undefined }),
        attributes: { scale: 0.25, causal: true, window: 3 },
      },
      {
        name: 'in a window both ways, biased',
        inputs: () => ({ ...heads(1, 2, 1, 6, 6, 4), bias: draw([1, 2, 1, 6]), offset: undefined }),
        attributes: { scale: 0.5, causal: false, window: 2 },
      },
      {
        name: 'one query in a window at an offset',
        inputs: () => ({ ...heads(1, 2, 2, 1, 6, 4), bias: undefined, offset: tf.scalar(4, 'int32') as tf.Tensor }),
        attributes: { scale: 0.5, causal: true, window: 2 },
      },
      {
        name: 'capped, heads of 16',
        inputs: () => ({ ...heads(2, 4, 2, 7, 7, 16), bias: undefined, offset: undefined }),
        attributes: { scale: 0.25, causal: true, softcap: 0.7 },
      },
      {
        name: 'capped and biased',
        inputs: () => ({ ...heads(2, 2, 1, 3, 4, 4), bias: draw([2, 1, 3, 4]), offset: undefined }),
        attributes: { scale: 1.5, causal: false, softcap: 1 },
      },
      {
        name: 'both ways in spans, heads of 16, more rows than a block',
        inputs: () => ({
          ...heads(2, 4, 2, 53, 53, 16),
          ...nothing,
          spans: spansOf(
            [
              [20, 31, 2],
              [49, 4],
            ],
            false,
          ),
        }),
        attributes: { scale: 0.25, causal: false },
      },
      {
        name: 'causal in spans, heads of 16, more rows than a block',
        inputs: () => ({ ...heads(2, 2, 1, 53, 53, 16), ...nothing, spans: spansOf([[1, 18, 34], [53]], true) }),
        attributes: { scale: 0.25, causal: false },
      },
      {
        name: 'in spans, biased and capped',
        inputs: () => ({
          ...heads(1, 2, 1, 5, 5, 4),
          bias: draw([1, 2, 1, 5]),
          offset: undefined,
          spans: spansOf([[2, 3]], false),
        }),
        attributes: { scale: 0.5, causal: false, softcap: 0.8 },
      },
      {
        name: 'causal at an offset',
        inputs: () => ({ ...heads(1, 2, 2, 2, 6, 4), bias: undefined, offset: tf.scalar(3, 'int32') as tf.Tensor }),
        attributes: { scale: 0.5, causal: true },
      },
    ],
    refuses: [
      {
        name: 'a window of nothing',
        call: () => attention(tf.ones([1, 1, 3, 4]), tf.ones([1, 1, 3, 4]), tf.ones([1, 1, 3, 4]), { window: 0 }),
        code: 'E_OPTION',
      },
      {
        name: 'a cap below zero',
        call: () => attention(tf.ones([1, 1, 3, 4]), tf.ones([1, 1, 3, 4]), tf.ones([1, 1, 3, 4]), { softcap: -1 }),
        code: 'E_OPTION',
      },
      {
        name: 'spans of another batch',
        call: () =>
          attention(tf.ones([1, 1, 3, 4]), tf.ones([1, 1, 3, 4]), tf.ones([1, 1, 3, 4]), {
            spans: spansOf([[3], [3]], false),
          }),
        code: 'E_SHAPE',
      },
      {
        name: 'spans at an offset',
        call: () =>
          attention(tf.ones([1, 1, 1, 4]), tf.ones([1, 1, 3, 4]), tf.ones([1, 1, 3, 4]), {
            spans: spansOf([[1]], false),
            queryOffset: tf.scalar(1, 'int32'),
          }),
        code: 'E_OPTION',
      },
      {
        name: 'keys of another width',
        call: () => attention(tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 5]), tf.ones([1, 2, 3, 4])),
        code: 'E_SHAPE',
      },
      {
        name: 'heads that do not divide',
        call: () => attention(tf.ones([1, 3, 3, 4]), tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4])),
        code: 'E_SHAPE',
      },
      {
        name: 'values of another length',
        call: () => attention(tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 2, 4])),
        code: 'E_SHAPE',
      },
      {
        name: 'a mask that does not fit',
        call: () =>
          attention(tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4]), {
            mask: tf.ones([2, 2], 'bool'),
          }),
        code: 'E_SHAPE',
      },
      {
        name: 'a float mask',
        call: () =>
          attention(tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4]), { mask: tf.ones([3, 3]) }),
        code: 'E_DTYPE',
      },
    ],
  });
  const settings = { ignoreIndex: -100, labelSmoothing: 0, reduction: 'mean' as const };
  describeOpContract(crossEntropyOp, {
    ...runner,
    cases: [
      {
        name: 'mean',
        inputs: () => ({ logits: draw([5, 7], 2), labels: ids([0, 6, -100, 3, 3]) }),
        attributes: settings,
      },
      {
        name: 'sum',
        inputs: () => ({ logits: draw([5, 7], 2), labels: ids([0, 6, -100, 3, 3]) }),
        attributes: { ...settings, reduction: 'sum' },
      },
      {
        name: 'each row',
        inputs: () => ({ logits: draw([3, 4], 2), labels: ids([0, 1, 7]) }),
        attributes: { ...settings, ignoreIndex: 7, reduction: 'none' },
      },
      {
        name: 'smooth',
        inputs: () => ({ logits: draw([5, 7], 2), labels: ids([0, 6, -100, 3, 3]) }),
        attributes: { ...settings, labelSmoothing: 0.2 },
      },
      {
        name: 'no row counts',
        inputs: () => ({ logits: draw([2, 7], 2), labels: ids([-100, -100]) }),
        attributes: settings,
      },
      {
        name: 'many classes',
        inputs: () => ({
          logits: draw([40, 133], 2),
          labels: ids(Array.from({ length: 40 }, (_, i) => (i % 9 === 0 ? -100 : (i * 31) % 133))),
        }),
        attributes: settings,
      },
    ],
    refuses: [
      { name: 'another number of labels', call: () => crossEntropy(tf.ones([2, 3]), ids([1])), code: 'E_SHAPE' },
      { name: 'logits that are no matrix', call: () => crossEntropy(tf.ones([2, 3, 1]), ids([1, 1])), code: 'E_SHAPE' },
      { name: 'float labels', call: () => crossEntropy(tf.ones([1, 3]), tf.ones([1])), code: 'E_DTYPE' },
      {
        name: 'an unknown reduction',
        call: () => crossEntropy(tf.ones([1, 3]), ids([1]), { reduction: 'median' as 'mean' }),
        code: 'E_OPTION',
      },
      {
        name: 'too much smoothing',
        call: () => crossEntropy(tf.ones([1, 3]), ids([1]), { labelSmoothing: 1 }),
        code: 'E_OPTION',
      },
      {
        name: 'a fractional index',
        call: () => crossEntropy(tf.ones([1, 3]), ids([1]), { ignoreIndex: 0.5 }),
        code: 'E_OPTION',
      },
    ],
  });
  describeOpContract(binaryCrossEntropyOp, {
    ...runner,
    cases: [
      {
        name: 'a matrix',
        inputs: () => ({ logits: draw([3, 4], 2), targets: tf.sigmoid(draw([3, 4])) }),
        attributes: {},
      },
    ],
    refuses: [{ name: 'other shapes', call: () => binaryCrossEntropy(tf.ones([2]), tf.ones([3])), code: 'E_SHAPE' }],
  });
  describeOpContract(meanSquaredErrorOp, {
    ...runner,
    cases: [{ name: 'a matrix', inputs: () => ({ x: draw([3, 4]), targets: draw([3, 4]) }), attributes: {} }],
    refuses: [{ name: 'other shapes', call: () => meanSquaredError(tf.ones([2]), tf.ones([3])), code: 'E_SHAPE' }],
  });
  describeOpContract(rotaryOp, {
    ...runner,
    cases: [
      {
        name: 'heads',
        inputs: () => ({ x: draw([1, 2, 3, 6]), ...rotaryTable(ids([0, 5, 9]), 6) }),
        attributes: {},
        constant: ['cos', 'sin'],
      },
    ],
    refuses: [
      {
        name: 'another number of positions',
        call: () => rotaryEmbedding(tf.ones([1, 1, 3, 4]), ids([0, 1])),
        code: 'E_SHAPE',
      },
      { name: 'an odd head', call: () => rotaryEmbedding(tf.ones([1, 1, 2, 3]), ids([0, 1])), code: 'E_SHAPE' },
      {
        name: 'frequencies of another head',
        call: () => rotaryTable(ids([0]), 4, { frequencies: [1] }),
        code: 'E_SHAPE',
      },
      { name: 'a base of 0', call: () => rotaryTable(ids([0]), 4, { theta: 0 }), code: 'E_OPTION' },
    ],
  });
  describeOpContract(dropoutOp, {
    ...runner,
    cases: [
      {
        name: 'a matrix',
        inputs: () => ({ x: draw([8, 9]), key: keyTensor(createKey(5)) as tf.Tensor }),
        attributes: { rate: 0.3, site: 2 },
      },
    ],
    refuses: [
      { name: 'a rate of 1', call: () => dropout(tf.ones([2]), { rate: 1, key: createKey(1) }), code: 'E_OPTION' },
      {
        name: 'a negative rate',
        call: () => dropout(tf.ones([2]), { rate: -0.1, key: createKey(1) }),
        code: 'E_OPTION',
      },
      { name: 'a number for a key', call: () => dropout(tf.ones([2]), { rate: 0.5, key: 7 as never }), code: 'E_KEY' },
    ],
  });
  describeOpContract(writeCacheOp, {
    ...runner,
    cases: [
      {
        name: 'one position',
        inputs: () => ({
          cache: draw([2, 2, 5, 3]),
          rows: draw([2, 2, 1, 3]),
          length: tf.scalar(2, 'int32') as tf.Tensor,
        }),
        attributes: {},
      },
      {
        name: 'several positions',
        inputs: () => ({
          cache: draw([1, 2, 6, 3]),
          rows: draw([1, 2, 3, 3]),
          length: tf.scalar(3, 'int32') as tf.Tensor,
        }),
        attributes: {},
      },
    ],
    refuses: [
      {
        name: 'more positions than room',
        call: () => writeCache(tf.ones([1, 1, 2, 3]), tf.ones([1, 1, 3, 3]), tf.scalar(0, 'int32')),
        code: 'E_SHAPE',
      },
      {
        name: 'another width',
        call: () => writeCache(tf.ones([1, 1, 2, 3]), tf.ones([1, 1, 1, 4]), tf.scalar(0, 'int32')),
        code: 'E_SHAPE',
      },
    ],
  });

  it('patchEmbedding refuses an image that the patches do not tile', ({ expect }) => {
    expect(() => patchEmbedding(tf.ones([1, 3, 5, 4]), tf.ones([2, 3, 2, 2]))).toThrow(
      /E_SHAPE.*2 × 2 do not tile an image of 5 × 4/,
    );
  });
});
