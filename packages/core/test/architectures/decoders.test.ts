import * as tf from '@tensorflow/tfjs-core';
import {
  createCapture,
  createKey,
  createKeyValueCache,
  createModel,
  decoderPlugins,
  disposeModel,
  mistral,
  mixtral,
  registerGradients,
} from '@tesserae/core';
import type { Architecture, ArchitectureConfig, ForwardInputs, ForwardOutput, Model } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

type Any = Model<ArchitectureConfig>;

const size = {
  vocabSize: 13,
  hiddenSize: 12,
  intermediateSize: 20,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  maxPositionEmbeddings: 16,
  initializerRange: 0.4, // the usual 0.02 would make every output alike
};
const sliding = { slidingWindow: 3, layerTypes: ['sliding_attention', 'full_attention'] };
/** What each family has of its own, small enough to matter in eight tokens. */
const own: Record<string, object> = {
  gpt_neox: { rotaryFraction: 0.5, useParallelResidual: true },
  mistral: { slidingWindow: 3, numKeyValueHeads: 1 },
  qwen2: sliding,
  qwen3: { ...sliding, headDim: 8 },
  gemma2: { ...sliding, attentionSoftcap: 2, finalSoftcap: 5, queryPreAttentionScalar: 4 },
  gemma3_text: { ...sliding, localRopeTheta: 100 },
  mixtral: { slidingWindow: 3, numLocalExperts: 3 },
};
const names = decoderPlugins.map(({ name }) => name);
const modelOf = (name: string, more: object = {}): Any => {
  const architecture = decoderPlugins.find((plugin) => plugin.name === name)!() as unknown as Architecture;
  return createModel(architecture, { ...size, ...own[name], ...more } as Partial<ArchitectureConfig>, { seed: 7 });
};
const ids = (rows: number[][]): tf.Tensor => tf.tensor2d(rows, [rows.length, rows[0].length], 'int32');
const forward = ({ architecture, params, config }: Any, inputs: ForwardInputs, more: object = {}): ForwardOutput =>
  architecture.forward(params, inputs, { config, ...more });
const rowsOf = ({ logits }: ForwardOutput): number[][] => (logits.arraySync() as number[][][])[0];
const emptyCache = ({ config }: Any, capacity: number) =>
  createKeyValueCache(config.numHiddenLayers, {
    batch: 1,
    heads: config.numKeyValueHeads ?? config.numAttentionHeads,
    capacity,
    headDim: config.headDim ?? config.hiddenSize / config.numAttentionHeads,
  });
function expectRows(found: number[][], expected: number[][]): void {
  expect(found.length).toBe(expected.length);
  found.forEach((row, t) => row.forEach((value, v) => expect(value).toBeCloseTo(expected[t][v], 3)));
}
const text = [1, 5, 2, 9, 12, 3, 3, 7];

describe.each(['cpu', 'onnx'] as const)('decoder-only families on %s', (backend) => {
  beforeAll(() => use(backend));

  it.each(names)('%s through a cache, piece by piece, gives the logits of the whole text', (name) => {
    const model = modelOf(name);
    tf.tidy(() => {
      const whole = rowsOf(forward(model, { inputIds: ids([text]) }));
      let cache = emptyCache(model, 10);
      const pieces = [text.slice(0, 4), [text[4]], [text[5]], text.slice(6)].flatMap((piece) => {
        const output = forward(model, { inputIds: ids([piece]), cache });
        cache = output.cache!;
        return rowsOf(output);
      });
      expectRows(pieces, whole);
    });
    disposeModel(model);
  });

  it.each(names)('%s ignores padding on either side, with and without a cache', (name) => {
    const model = modelOf(name);
    tf.tidy(() => {
      const whole = rowsOf(forward(model, { inputIds: ids([text]) }));
      const right = { inputIds: ids([[...text, 0, 0]]), attentionMask: ids([[1, 1, 1, 1, 1, 1, 1, 1, 0, 0]]) };
      expectRows(rowsOf(forward(model, right)).slice(0, 8), whole);
      const left = { inputIds: ids([[0, 0, ...text]]), positionIds: ids([[0, 0, 0, 1, 2, 3, 4, 5, 6, 7]]) };
      const seen = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
      expectRows(rowsOf(forward(model, { ...left, attentionMask: ids([seen]) })).slice(2), whole);
      const cached = { ...left, attentionMask: ids([[...seen, 1, 1]]), cache: emptyCache(model, 12) };
      expectRows(rowsOf(forward(model, cached)).slice(2), whole);
    });
    disposeModel(model);
  });

  it('a window sees so many positions and no more', () => {
    const model = createModel(mistral, { ...size, numHiddenLayers: 1, slidingWindow: 3 }, { seed: 7 });
    const any = model as unknown as Any;
    tf.tidy(() => {
      const [a, b] = [text, [8, ...text.slice(1)]].map((row) => rowsOf(forward(any, { inputIds: ids([row]) })));
      const change = a.map((row, t) => Math.max(...row.map((value, v) => Math.abs(value - b[t][v]))));
      change.forEach((size, t) => (t < 3 ? expect(size).toBeGreaterThan(1e-3) : expect(size).toBe(0)));
    });
    disposeModel(model);
  });
});

describe('what families have of their own', () => {
  beforeAll(() => use('cpu'));

  it('the balance of experts is added to the loss when asked for, and padding does not count', () => {
    registerGradients();
    const config = { ...size, numLocalExperts: 3, outputRouterLogits: true, routerAuxLossCoefficient: 0.5 };
    const model = createModel(mixtral, config, { seed: 3 });
    const any = model as unknown as Any;
    tf.tidy(() => {
      const capture = createCapture({ names: ['layers.*.router.logits', 'layers.*.router.weights'] });
      const inputs = { inputIds: ids([[...text, 0, 0]]), attentionMask: ids([[1, 1, 1, 1, 1, 1, 1, 1, 0, 0]]) };
      const { auxiliaryLoss } = forward(any, inputs, { capture });
      const sent = [0, 0, 0];
      const probability = [0, 0, 0];
      for (const layer of [0, 1]) {
        const logits = capture.values[`layers.${layer}.router.logits`].arraySync() as number[][]; // [N, 3]
        const weights = capture.values[`layers.${layer}.router.weights`].arraySync() as number[][];
        logits.slice(0, 8).forEach((row, n) => {
          const best = row.map((_, e) => e).sort((i, j) => row[j] - row[i]).slice(0, 2); // prettier-ignore
          const share = best.map((e) => Math.exp(row[e]));
          best.forEach((e, i) => expect(weights[n][e]).toBeCloseTo(share[i] / (share[0] + share[1]), 5));
          expect(weights[n].filter((weight) => weight === 0)).toHaveLength(1);
          best.forEach((e) => (sent[e] += 1 / 16));
          const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
          row.forEach((value, e) => (probability[e] += Math.exp(value) / total / 16));
        });
      }
      const balance = 3 * sent.reduce((sum, share, e) => sum + share * probability[e], 0);
      expect(auxiliaryLoss!.dataSync()[0]).toBeCloseTo(0.5 * balance, 5);
      const quiet = { ...model.config, outputRouterLogits: false };
      expect(forward({ ...any, config: quiet }, inputs).auxiliaryLoss).toBeUndefined();
    });
    disposeModel(model);
  });

  it('experts get noise in training alone, under its key', () => {
    const model = createModel(mixtral, { ...size, numLocalExperts: 3, routerJitterNoise: 0.2 }, { seed: 3 });
    const any = model as unknown as Any;
    tf.tidy(() => {
      const run = (more: object): number[] => rowsOf(forward(any, { inputIds: ids([text]) }, more)).flat();
      const plain = run({});
      expect(run({ key: createKey(1) })).toEqual(plain);
      const noisy = run({ key: createKey(1), training: true });
      expect(noisy).not.toEqual(plain);
      expect(run({ key: createKey(1), training: true })).toEqual(noisy);
    });
    disposeModel(model);
  });

  it('gemma3_text sees both ways when told to, half a window each way', () => {
    const layers = { numHiddenLayers: 1, layerTypes: ['sliding_attention'], slidingWindow: 4 };
    const model = modelOf('gemma3_text', { ...layers, useBidirectionalAttention: true });
    tf.tidy(() => {
      const changed = [...text.slice(0, 4), 8, ...text.slice(5)];
      const [a, b] = [text, changed].map((row) => rowsOf(forward(model, { inputIds: ids([row]) })));
      const differs = a.map((row, t) => row.some((value, v) => Math.abs(value - b[t][v]) > 1e-4));
      expect(differs).toEqual([false, false, true, true, true, true, true, false]); // at most 2 away
    });
    disposeModel(model);
  });

  it.each([
    ['mistral', { slidingWindow: 0 }, 'slidingWindow is 0; use a whole number of positions from 1 up, or null'],
    ['qwen2', { layerTypes: ['full_attention'] }, 'give one type for each of 2 layers'],
    ['qwen3', { layerTypes: ['full_attention', 'linear'] }, "the layer type 'linear' is unknown"],
    ['qwen3', { slidingWindow: null }, 'a layer is sliding_attention, and slidingWindow is null'],
    ['gemma2', { attentionSoftcap: -1 }, 'attentionSoftcap is -1'],
    ['gemma3_text', { localRopeTheta: 0 }, 'localRopeTheta is 0'],
    ['gpt_neox', { rotaryFraction: 1.5 }, 'rotaryFraction is 1.5: of 6 features a head it turns 9'],
    ['mixtral', { numExpertsPerToken: 4 }, 'a token cannot take 4 of 3 experts; use 3 or fewer'],
    ['llama', { head: 'masked-lm' }, "the head 'masked-lm' is unknown; use one of causal-lm, sequence-classification"],
    ['gemma', { head: 'question-answering' }, "the head 'question-answering' is unknown"],
    ['llama', { head: 'token-classification', numLabels: 0 }, 'numLabels is 0; use a whole number from 1 up'],
    ['gpt2', { head: 'token-classification', classifierDropout: 1 }, 'classifierDropout is 1'],
  ])('%s refuses %j', (name, more, message) => expect(() => modelOf(name, more)).toThrow(message));

  it('a sequence classifier of several texts needs to know the padding', () => {
    const model = modelOf('llama', { head: 'sequence-classification', numLabels: 3 });
    expect(() => forward(model, { inputIds: ids([text, text]) })).toThrow('padTokenId is null, and 2 texts');
    disposeModel(model);
  });
});
