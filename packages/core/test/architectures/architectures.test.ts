import * as tf from '@tensorflow/tfjs-core';
import {
  compile,
  createCapture,
  createKey,
  createKeyValueCache,
  createModel,
  crossEntropy,
  disposeKeyValueCache,
  disposeModel,
  flattenParams,
  gpt2,
  hiddenStateNames,
  keyTensor,
  llama,
  mapParams,
  paramTensors,
  unflattenParams,
} from '@tesserae/core';
import type {
  Architecture,
  ArchitectureConfig,
  ForwardInputs,
  Gpt2Config,
  KeyValueCache,
  LlamaConfig,
  Model,
  Params,
} from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';
import { expectClose, goldenArrays, goldenJson } from '../support/golden';
import type { GoldenArray } from '../support/golden';

type AnyModel = Model<ArchitectureConfig>;

const gptSize: Partial<Gpt2Config> = {
  vocabSize: 13,
  hiddenSize: 12,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  maxPositionEmbeddings: 16,
};
const llamaSize: Partial<LlamaConfig> = {
  vocabSize: 13,
  hiddenSize: 12,
  intermediateSize: 20,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 4,
  maxPositionEmbeddings: 16,
};
const model = (name: string, more: object = {}): AnyModel =>
  (name === 'gpt2'
    ? createModel(gpt2, { ...gptSize, ...more }, { seed: 7 })
    : createModel(llama, { ...llamaSize, ...more }, { seed: 7 })) as unknown as AnyModel;
/** Random weights of size 0.02 make every output alike; these do not. */
const lively = (name: string, more: object = {}): AnyModel => model(name, { initializerRange: 0.4, ...more });
const ids = (rows: number[][]): tf.Tensor => tf.tensor2d(rows, [rows.length, rows[0].length], 'int32');
const forward = (
  m: AnyModel,
  inputs: ForwardInputs,
  more: object = {},
): ReturnType<AnyModel['architecture']['forward']> =>
  m.architecture.forward(m.params, inputs, { config: m.config, ...more });
const text = [[1, 5, 2, 9, 12, 3, 3, 7]];

interface Golden {
  inputs: { ints: { input_ids: number[][]; attention_mask: number[][]; labels: number[][] } };
  loss: number;
  outputs: Record<string, { tensor: string }>;
  grads: Record<string, string>;
  grad_stats: Record<string, { l2: number; sum: number; max_abs: number }>;
}

const configs: Record<string, (hf: Record<string, never>) => ArchitectureConfig> = {
  gpt2: (hf) =>
    gpt2.configure({
      vocabSize: hf.vocab_size,
      hiddenSize: hf.n_embd,
      numHiddenLayers: hf.n_layer,
      numAttentionHeads: hf.n_head,
      maxPositionEmbeddings: hf.n_positions,
    }),
  llama: (hf) =>
    llama.configure({
      vocabSize: hf.vocab_size,
      hiddenSize: hf.hidden_size,
      intermediateSize: hf.intermediate_size,
      numHiddenLayers: hf.num_hidden_layers,
      numAttentionHeads: hf.num_attention_heads,
      numKeyValueHeads: hf.num_key_value_heads,
      headDim: hf.head_dim,
      maxPositionEmbeddings: hf.max_position_embeddings,
      rmsNormEpsilon: hf.rms_norm_eps,
    }),
};

await describeOnBackends('architectures', (backend) => {
  beforeAll(() => use(backend));

  it.each(['gpt2', 'llama'])(
    '%s agrees with the reference: logits, hidden states, attention, loss, every gradient',
    (name) => {
      const golden = goldenJson<Golden>(name);
      const [weights, outputs] = [goldenArrays(name, 'model.safetensors'), goldenArrays(name)];
      const architecture = { gpt2, llama }[name] as unknown as Architecture;
      const config = configs[name](goldenJson(name, 'config.json'));
      const specs = architecture.parameters(config);
      expect(specs.map(({ checkpointName }) => checkpointName).sort()).toEqual(Object.keys(weights).sort());
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const params = unflattenParams(
          specs.map(
            ({ path, checkpointName, shape }) =>
              [path, tf.tensor(weights[checkpointName].data.slice(), shape.slice())] as const,
          ),
        );
        const { input_ids, attention_mask, labels } = golden.inputs.ints;
        const inputs = { inputIds: ids(input_ids), attentionMask: ids(attention_mask) };
        const names = hiddenStateNames(config);
        const capture = createCapture({ names: [...names, 'layers.0.attention.weights'] });
        const { logits } = architecture.forward(params, inputs, { config, capture });
        const compare = (found: tf.Tensor, tensor: string, tolerance: number, queryAxis: number): void => {
          const shape = outputs[tensor].shape.map((length, axis) => (axis === 0 || axis === queryAxis ? length : 1));
          const seen = tf.tensor(attention_mask.flat(), shape);
          const wanted = outputs[tensor];
          const masked: GoldenArray = {
            shape: wanted.shape,
            data: tf.mul(tf.tensor(wanted.data.slice(), wanted.shape), seen).dataSync() as Float32Array,
          };
          expectClose(tf.mul(found, seen), masked, tolerance, tensor);
        };
        compare(logits, golden.outputs.logits.tensor, 1e-4, 1);
        names.forEach((at, index) =>
          compare(capture.values[at], golden.outputs[`hidden_states.${index}`].tensor, 1e-4, 1),
        );
        compare(capture.values['layers.0.attention.weights'], golden.outputs['attentions.0'].tensor, 1e-5, 2);

        const { loss, gradients } = lossAndGradients(architecture, config, params, inputs, labels);
        expect(Math.abs(loss - golden.loss)).toBeLessThan(2e-5);
        for (const { path, checkpointName } of specs) {
          const stats = golden.grad_stats[checkpointName];
          const data = gradients.get(path)!.dataSync();
          const l2 = Math.sqrt(Array.from(data).reduce((sum, v) => sum + v * v, 0));
          expect(Math.abs(l2 - stats.l2), checkpointName).toBeLessThan(1e-4 * stats.l2 + 1e-5);
          if (golden.grads[checkpointName])
            expectClose(gradients.get(path)!, outputs[golden.grads[checkpointName]], 1e-4, checkpointName);
        }
      });
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it.each(['gpt2', 'llama'])(
    '%s with a cache gives the logits of the whole text: prefill, then one by one, as compiled programs',
    (name) => {
      const m = lively(name);
      const before = tf.memory().numTensors;
      const whole = tf.tidy(() => forward(m, { inputIds: ids(text) }).logits.arraySync() as number[][][]);
      const step = compile(
        (params: Params, inputIds: tf.Tensor, cache: KeyValueCache) =>
          m.architecture.forward(params, { inputIds, cache }, { config: m.config, logits: 'last' }),
        { donate: [2] },
      );
      const { numHiddenLayers: layers, numAttentionHeads: heads, hiddenSize } = m.config;
      let cache: KeyValueCache = createKeyValueCache(layers, {
        batch: 1,
        heads: m.config.numKeyValueHeads ?? heads,
        capacity: 10,
        headDim: m.config.headDim ?? hiddenSize / heads,
      });
      for (const [from, to] of [
        [0, 3],
        [3, 4],
        [4, 5],
        [5, 6],
        [6, 8],
      ]) {
        const inputIds = ids([text[0].slice(from, to)]);
        const { logits, cache: next } = step(m.params, inputIds, cache) as { logits: tf.Tensor; cache: KeyValueCache };
        cache = next;
        expect(cache.length.dataSync()[0]).toBe(to);
        const row = (logits.arraySync() as number[][][])[0][0];
        row.forEach((value, index) => expect(value).toBeCloseTo(whole[0][to - 1][index], 4));
        tf.dispose([inputIds, logits]);
      }
      expect(step.programs).toBe(3); // 3, 1 and 2 positions; later places need no new program
      step.dispose();
      disposeKeyValueCache(cache);
      expect(tf.memory().numTensors).toBe(before);
      disposeModel(m);
    },
  );

  it.each(['gpt2', 'llama'])(
    '%s ignores padding: right-padded, and left-padded with positions, with and without a cache',
    (name) => {
      const m = lively(name);
      tf.tidy(() => {
        const row = text[0].slice(0, 5);
        const alone = forward(m, { inputIds: ids([row]) }).logits.arraySync() as number[][][];
        const right = forward(m, {
          inputIds: ids([[...row, 0, 0]]),
          attentionMask: ids([[1, 1, 1, 1, 1, 0, 0]]),
        }).logits.arraySync() as number[][][];
        const mask = [[0, 0, 1, 1, 1, 1, 1]];
        const positionIds = ids([[0, 0, 0, 1, 2, 3, 4]]);
        const left = forward(m, {
          inputIds: ids([[0, 0, ...row]]),
          attentionMask: ids(mask),
          positionIds,
        }).logits.arraySync() as number[][][];
        const cache = createKeyValueCache(2, { batch: 1, heads: 2, capacity: 9, headDim: name === 'gpt2' ? 6 : 4 });
        const cached = forward(m, {
          inputIds: ids([[0, 0, ...row]]),
          attentionMask: ids([[...mask[0], 1, 1]]),
          positionIds,
          cache,
        }).logits.arraySync() as number[][][];
        for (let t = 0; t < 5; t++) {
          alone[0][t].forEach((value, v) => {
            expect(right[0][t][v]).toBeCloseTo(value, 4);
            expect(left[0][t + 2][v]).toBeCloseTo(value, 4);
            expect(cached[0][t + 2][v]).toBeCloseTo(value, 4);
          });
        }
      });
      disposeModel(m);
    },
  );

  it.each(['gpt2', 'llama'])('%s: a token changes nothing before it', (name) => {
    const m = lively(name);
    tf.tidy(() => {
      const [a, b] = [text[0], [...text[0].slice(0, 5), 6, 1, 1]].map(
        (row) => forward(m, { inputIds: ids([row]) }).logits.arraySync() as number[][][],
      );
      for (let t = 0; t < 5; t++) a[0][t].forEach((value, v) => expect(b[0][t][v]).toBeCloseTo(value, 5));
      expect(Math.max(...a[0][5].map((value, v) => Math.abs(value - b[0][5][v])))).toBeGreaterThan(0.01);
    });
    disposeModel(m);
  });

  it.each(['gpt2', 'llama'])('%s: values can be watched and replaced on the way', (name) => {
    const m = lively(name);
    const before = tf.memory().numTensors;
    const inputs = { inputIds: ids(text) };
    const capture = createCapture({ names: ['**'] });
    const { logits } = forward(m, inputs, { capture });
    expect(Object.keys(capture.values)).toEqual([
      'embeddings',
      ...[0, 1].flatMap((i) =>
        [
          'attention.weights',
          'attention.output',
          'afterAttention',
          'feedForward.hidden',
          'feedForward.output',
          'output',
        ].map((at) => `layers.${i}.${at}`),
      ),
      'finalNorm',
      'logits',
    ]);
    expect(capture.values['layers.1.attention.weights'].shape).toEqual([1, m.config.numAttentionHeads, 8, 8]);
    const sums = tf.tidy(() => tf.sum(capture.values['layers.1.attention.weights'], -1).dataSync());
    sums.forEach((sum) => expect(sum).toBeCloseTo(1, 5));
    const zeroed = createCapture({
      intercept: {
        'layers.*.attention.output': (v) => tf.zerosLike(v),
        'layers.*.feedForward.output': (v) => tf.zerosLike(v),
      },
    });
    const skipped = forward(m, inputs, { capture: zeroed }).logits;
    const seen = createCapture({ names: ['layers.1.output'], intercept: { 'layers.0.attention.weights': (v) => v } });
    const same = forward(m, inputs, { capture: seen });
    expect(tf.tidy(() => tf.max(tf.abs(tf.sub(same.logits, logits))).dataSync()[0])).toBeLessThan(1e-4);
    expect(tf.tidy(() => tf.max(tf.abs(tf.sub(skipped, logits))).dataSync()[0])).toBeGreaterThan(0.1);
    tf.dispose([
      inputs.inputIds,
      skipped,
      same.logits,
      ...Object.values(seen.values),
      ...new Set([...Object.values(capture.values), logits]),
    ]);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(m);
  });

  it.each(['gpt2', 'llama'])('%s: dropout needs training and a key, and follows the key', (name) => {
    const m = lively(name, name === 'gpt2' ? {} : { attentionDropout: 0.2 });
    tf.tidy(() => {
      const run = (more: object): number[] => Array.from(forward(m, { inputIds: ids(text) }, more).logits.dataSync());
      const plain = run({});
      expect(run({ training: true })).toEqual(plain);
      expect(run({ key: createKey(1) })).toEqual(plain);
      const dropped = run({ key: createKey(1), training: true });
      expect(dropped).not.toEqual(plain);
      expect(run({ key: createKey(1), training: true })).toEqual(dropped);
      expect(run({ key: keyTensor(createKey(1)), training: true })).toEqual(dropped);
      expect(run({ key: createKey(2), training: true })).not.toEqual(dropped);
    });
    disposeModel(m);
  });

  it('gpt2: gradients pass through dropout as differences say', () => {
    const m = lively('gpt2');
    const options = { config: m.config, key: createKey(4), training: true };
    tf.tidy(() => {
      const [path, weight] = flattenParams(m.params)[4];
      const loss = (w: tf.Tensor): tf.Scalar =>
        tf.sum(
          tf.square(
            m.architecture.forward(
              mapParams(m.params, (old, at) => (at === path ? w : old)),
              { inputIds: ids(text) },
              options,
            ).logits,
          ),
        );
      const slope = tf.grad(loss as (x: tf.Tensor) => tf.Tensor)(weight as tf.Tensor);
      const direction = tf.sign(slope);
      const step = 1e-3;
      const at = (sign: number): number =>
        loss(tf.add(weight as tf.Tensor, tf.mul(direction, sign * step))).dataSync()[0];
      const predicted = tf.sum(tf.mul(slope, direction)).dataSync()[0];
      expect((at(1) - at(-1)) / (2 * step) / predicted).toBeCloseTo(1, 1);
    });
    disposeModel(m);
  });

  it('a forward pass leaves nothing but its output', () => {
    for (const name of ['gpt2', 'llama']) {
      const m = model(name);
      const inputIds = ids(text);
      const before = tf.memory().numTensors;
      forward(m, { inputIds }).logits.dispose();
      expect(tf.memory().numTensors).toBe(before);
      inputIds.dispose();
      disposeModel(m);
    }
  });
});

describe('configs and inputs', () => {
  beforeAll(() => use('cpu'));

  it.each([
    [{ vocabSize: 0 }, 'vocabSize is 0; use a whole number'],
    [{ hiddenSize: 10, numAttentionHeads: 3 }, '3 heads do not divide the width 10'],
    [{ residualDropout: 1 }, 'residualDropout is 1; use a number from 0 to below 1'],
    [{ intermediateSize: 2.5 }, 'intermediateSize is 2.5'],
    [{ numHiddenLayer: 2 }, "the option 'numHiddenLayer' is unknown; did you mean 'numHiddenLayers'?"],
  ])('gpt2 refuses %j', (config, message) => {
    expect(() => gpt2.configure(config as never)).toThrow(`[core] E_CONFIG: gpt2: ${message}`);
  });

  it.each([
    [{ numAttentionHeads: 4, numKeyValueHeads: 3 }, '4 query heads cannot share 3 key/value heads'],
    [{ headDim: 5 }, 'headDim is 5; rotary embeddings need an even head width'],
    [
      { ropeScaling: { type: 'su' } },
      "the rotary scaling 'su' is unknown; use one of default, linear, dynamic, llama3, yarn, longrope",
    ],
    [{ ropeScaling: { type: 'linear' } }, "ropeScaling.factor is undefined, and 'linear' needs it"],
    [
      {
        ropeScaling: {
          type: 'llama3',
          factor: 8,
          lowFreqFactor: 4,
          highFreqFactor: 1,
          originalMaxPositionEmbeddings: 8,
        },
      },
      'ropeScaling.highFreqFactor 1 is not above',
    ],
  ])('llama refuses %j', (config, message) => {
    expect(() => llama.configure(config as never)).toThrow(`[core] E_CONFIG: llama: ${message}`);
  });

  it('refuse an unknown activation by name', () => {
    expect(() => gpt2.configure({ hiddenAct: 'gelu_neww' })).toThrow(
      /E_ACTIVATION: the activation 'gelu_neww' is unknown.*did you mean 'gelu_new'/,
    );
  });

  it('forward refuses what does not fit', () => {
    const m = model('gpt2');
    expect(() => forward(m, { inputIds: tf.ones([1, 3]) })).toThrow(/E_DTYPE: gpt2: inputIds is float32/);
    expect(() => forward(m, { inputIds: tf.ones([3], 'int32') })).toThrow(
      /E_SHAPE: gpt2: inputIds must be \[batch, time\]/,
    );
    expect(() => forward(m, { inputIds: tf.ones([1, 17], 'int32') })).toThrow(
      /E_CONTEXT_LENGTH: gpt2: 17 positions are more than the 16/,
    );
    expect(() => forward(m, { inputIds: tf.ones([1, 3], 'int32'), attentionMask: tf.ones([1, 4]) })).toThrow(
      /E_SHAPE: gpt2: attentionMask must be \[batch, time\] = \[1, 3\], found \[1, 4\]/,
    );
    expect(() => forward(m, { inputIds: tf.ones([1, 3], 'int32'), positionIds: tf.ones([3], 'int32') })).toThrow(
      /E_SHAPE: gpt2: positionIds/,
    );
    const cache = createKeyValueCache(1, { batch: 1, heads: 2, capacity: 4, headDim: 6 });
    expect(() => forward(m, { inputIds: tf.ones([1, 3], 'int32'), cache })).toThrow(
      /E_CACHE: gpt2: a cache of 1 layers for 2/,
    );
    expect(() => createKeyValueCache(1, { batch: 1, heads: 0, capacity: 4, headDim: 6 })).toThrow(
      /E_CACHE: a key-value cache with heads 0/,
    );
  });

  it('forward refuses params of another form', () => {
    const m = model('gpt2');
    const run = (params: Params) => (): unknown =>
      m.architecture.forward(params, { inputIds: ids(text) }, { config: m.config });
    expect(run({})).toThrow(/E_PARAMS: gpt2: the parameter 'tokenEmbedding.weight' is missing/);
    expect(run(model('llama').params)).toThrow(/E_PARAMS: gpt2: the parameter 'positionEmbedding.weight' is missing/);
    expect(run(model('gpt2', { hiddenSize: 16 }).params)).not.toThrow(); // the width is that of the weights
    const { layers } = m.params as { layers: Params[] };
    expect(run({ ...m.params, layers: layers.slice(1) })).toThrow(/'layers.1.attentionNorm.weight' is missing/);
  });

  it('options change what they should', () => {
    const logits = (name: string, more: object): number[] => {
      const m = lively(name, more);
      const found = Array.from(tf.tidy(() => forward(m, { inputIds: ids(text) }).logits.dataSync()));
      disposeModel(m);
      return found;
    };
    const gpt = logits('gpt2', {});
    expect(logits('gpt2', { reorderAndUpcastAttention: true })).toEqual(gpt);
    for (const more of [
      { hiddenAct: 'relu' },
      { scaleAttentionWeights: false },
      { scaleAttentionByInverseLayerIndex: true },
      { layerNormEpsilon: 0.5 },
      { tieWordEmbeddings: false },
    ]) {
      expect(logits('gpt2', more), JSON.stringify(more)).not.toEqual(gpt);
    }
    const plain = logits('llama', {});
    expect(logits('llama', { ropeScaling: { type: 'default' } })).toEqual(plain);
    for (const more of [
      { hiddenAct: 'gelu' },
      { ropeTheta: 50 },
      { rmsNormEpsilon: 0.5 },
      { tieWordEmbeddings: true },
      { ropeScaling: { type: 'linear', factor: 2 } },
    ]) {
      expect(logits('llama', more), JSON.stringify(more)).not.toEqual(plain);
    }
    const biased = createModel(llama, { ...llamaSize, attentionBias: true, mlpBias: true });
    expect(paramTensors(biased.params).filter(({ shape }) => shape.length === 1).length).toBe(2 * (2 + 7) + 1);
  });
});

function lossAndGradients(
  architecture: Architecture,
  config: ArchitectureConfig,
  params: Params,
  inputs: ForwardInputs,
  labels: number[][],
): { loss: number; gradients: Map<string, tf.Tensor> } {
  const pairs = flattenParams(params);
  const targets = tf.tensor1d(
    labels.flatMap((row) => row.slice(1)),
    'int32',
  );
  const objective = (...weights: tf.Tensor[]): tf.Scalar => {
    const tree = unflattenParams(pairs.map(([path], index) => [path, weights[index]] as const));
    const { logits } = architecture.forward(tree, inputs, { config });
    const [batch, time, vocabulary] = logits.shape as number[];
    return crossEntropy(
      tf.reshape(tf.slice(logits, [0, 0, 0], [batch, time - 1, vocabulary]), [-1, vocabulary]),
      targets,
    ) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(objective)(pairs.map(([, weight]) => weight as tf.Tensor));
  return { loss: value.dataSync()[0], gradients: new Map(pairs.map(([path], index) => [path, grads[index]])) };
}
