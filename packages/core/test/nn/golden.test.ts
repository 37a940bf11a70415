import * as tf from '@tensorflow/tfjs-core';
import {
  activation,
  attention,
  binaryCrossEntropy,
  crossEntropy,
  embed,
  gelu,
  layerNorm,
  linear,
  logSoftmax,
  meanSquaredError,
  patchEmbedding,
  rmsNorm,
  rotaryEmbedding,
  silu,
  softmax,
} from '@tesserae/core';
import { beforeAll, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';
import { expectClose, goldenArrays, goldenJson } from '../support/golden';
import type { GoldenArray } from '../support/golden';

interface Case {
  name: string;
  args: Record<string, unknown>;
  inputs: Record<string, string>;
  consts: Record<string, string>;
  grads: Record<string, string>;
  output: string;
  upstream: string;
}

type Tensors = Record<string, tf.Tensor>;
type Run = (inputs: Tensors, consts: Record<string, GoldenArray>, args: Record<string, unknown>) => tf.Tensor;

const int = ({ shape, data }: GoldenArray): tf.Tensor => tf.tensor(Int32Array.from(data), shape, 'int32');
const cross: Run = ({ logits }, { target }, args) =>
  crossEntropy(logits, int(target), {
    ignoreIndex: args.ignore_index as number,
    reduction: args.reduction as 'mean' | 'sum',
    labelSmoothing: (args.label_smoothing as number | undefined) ?? 0,
  });
const attend: Run = ({ q, k, v, bias }, { mask }, args) =>
  attention(q, k, v, {
    bias,
    mask: mask && tf.cast(int(mask), 'bool'),
    causal: args.is_causal === true,
    scale: args.scale as number | undefined,
  });
const rms: Run = ({ x, weight }, _consts, { eps }) => rmsNorm(x, weight, { epsilon: eps as number });
const layer: Run = ({ x, weight, bias }, _consts, { eps }) => layerNorm(x, { weight, bias, epsilon: eps as number });

/** Every case of the folder, so that none is left out silently. */
const runs: Record<string, Run> = {
  gelu: ({ x }) => gelu(x),
  gelu_tanh: ({ x }) => activation('gelu_pytorch_tanh')(x),
  gelu_new: ({ x }) => activation('gelu_new')(x),
  quick_gelu: ({ x }) => activation('quick_gelu')(x),
  silu: ({ x }) => silu(x),
  relu: ({ x }) => activation('relu')(x),
  softmax: ({ x }) => softmax(x),
  log_softmax: ({ x }) => logSoftmax(x),
  'layer_norm_1e-05': layer,
  'layer_norm_0.01': layer,
  layer_norm_no_affine: layer,
  'rms_norm_1e-05': rms,
  'rms_norm_0.01': rms,
  llama_rms_norm: rms,
  gemma_rms_norm: ({ x, weight }, _consts, { eps }) => rmsNorm(x, weight, { epsilon: eps as number, weightOffset: 1 }),
  sdpa_plain: attend,
  sdpa_causal: attend,
  sdpa_bool_mask: attend,
  sdpa_bias_mask: attend,
  sdpa_scale: attend,
  sdpa_gqa: attend,
  cross_entropy_mean: cross,
  cross_entropy_sum: cross,
  cross_entropy_smooth: cross,
  bce_with_logits: ({ logits }, { target }) => binaryCrossEntropy(logits, tf.tensor(target.data, target.shape)),
  mse: ({ x }, { target }) => meanSquaredError(x, tf.tensor(target.data, target.shape)),
  linear: ({ x, weight, bias }) => linear(x, weight, { bias }),
  embedding: ({ weight }, { ids }, args) => embed(int(ids), weight, { paddingId: args.padding_idx as number }),
  conv2d_patch: ({ x, weight, bias }) => patchEmbedding(x, weight, { bias }),
  rotary: ({ q }, _consts, args) =>
    rotaryEmbedding(q, tf.tensor1d(args.positions as number[], 'int32'), { theta: args.theta as number }),
};

const { cases } = goldenJson<{ cases: Case[] }>('ops_functional');
const arrays = goldenArrays('ops_functional');
const tolerance = 1e-5;

await describeOnBackends('ops_functional', (backend) => {
  beforeAll(() => use(backend));

  it('covers every case', () => {
    expect(cases.map(({ name }) => name).filter((name) => !(name in runs))).toEqual([]);
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s: value and gradients', (name, one) => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const names = Object.keys(one.inputs);
      const inputs = names.map((input) =>
        tf.tensor(arrays[one.inputs[input]].data.slice(), arrays[one.inputs[input]].shape),
      );
      const consts = Object.fromEntries(Object.entries(one.consts).map(([key, tensor]) => [key, arrays[tensor]]));
      const run = (...given: tf.Tensor[]): tf.Tensor =>
        runs[name](Object.fromEntries(names.map((input, index) => [input, given[index]])), consts, one.args);
      expectClose(run(...inputs), arrays[one.output], tolerance, name);
      const upstream = tf.tensor(arrays[one.upstream].data.slice(), arrays[one.upstream].shape);
      const gradients = tf.grads(run)(inputs, upstream);
      for (const [input, tensor] of Object.entries(one.grads)) {
        expectClose(gradients[names.indexOf(input)], arrays[tensor], tolerance, `${name}: gradient of ${input}`);
      }
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
