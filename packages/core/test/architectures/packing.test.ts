/** Several sequences in a row of the batch against each in a row of its own. */
import * as tf from '@tensorflow/tfjs-core';
import {
  bart,
  bert,
  compile,
  createKeyValueCache,
  createModel,
  crossEntropy,
  disposeKeyValueCache,
  disposeModel,
  distilbert,
  flattenParams,
  gemma3,
  gpt2,
  gptNeox,
  llama,
  localGlobal,
  mistral,
  mixtral,
  roberta,
  slidingWindow,
  t5,
  unflattenParams,
  withVirtualTokens,
} from '@tesserae/core';
import type { Architecture, ForwardInputs, ForwardOptions, Model } from '@tesserae/core';
import { describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

type Any = Architecture<never>;
const V = 17;
const size = { vocabSize: V, hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 64 };
const drawn = { initializerRange: 0.3, padTokenId: 0 };
const encoder = { ...size, ...drawn, intermediateSize: 40, head: 'masked-lm' };

/** Heads of 16 features, so that the fused kernels run where there are any; the last lines are forms that have none. */
const families: readonly { name: string; architecture: Any; config: object; training?: object }[] = [
  { name: 'gpt2', architecture: gpt2 as Any, config: { ...size, initializerRange: 0.3 } },
  {
    name: 'llama with grouped heads',
    architecture: llama as Any,
    config: { ...size, ...drawn, intermediateSize: 40, numAttentionHeads: 4, numKeyValueHeads: 2, headDim: 16 },
  },
  {
    name: 'mistral with a window',
    architecture: mistral as Any,
    config: { ...size, ...drawn, intermediateSize: 40, numKeyValueHeads: 1, slidingWindow: 3 },
  },
  { name: 'gptNeox', architecture: gptNeox as Any, config: { ...size, ...drawn, intermediateSize: 40 } },
  {
    name: 'mixtral',
    architecture: mixtral as Any,
    config: { ...size, ...drawn, intermediateSize: 24, numKeyValueHeads: 2 },
  },
  {
    name: 'gemma3 both ways',
    architecture: gemma3 as Any,
    config: {
      ...size,
      ...drawn,
      intermediateSize: 40,
      numKeyValueHeads: 1,
      headDim: 16,
      slidingWindow: 4,
      useBidirectionalAttention: true,
    },
  },
  { name: 'bert', architecture: bert as Any, config: encoder },
  { name: 'roberta', architecture: roberta as Any, config: { ...encoder, padTokenId: 1, maxPositionEmbeddings: 66 } },
  { name: 'distilbert', architecture: distilbert as Any, config: { ...encoder, sinusoidalPositions: true } },
  {
    name: 'llama with a sliding-window pattern',
    architecture: llama as Any,
    config: { ...size, ...drawn, intermediateSize: 40, attention: slidingWindow({ window: 4 }) },
  },
  {
    name: 'gpt2 with narrow heads',
    architecture: gpt2 as Any,
    config: { ...size, hiddenSize: 12, initializerRange: 0.3 },
  },
  {
    name: 'gpt2 whose layers run again',
    architecture: gpt2 as Any,
    config: { ...size, initializerRange: 0.3, embeddingDropout: 0, attentionDropout: 0, residualDropout: 0 },
    training: { training: true, recompute: 'blocks' },
  },
];

const int = (values: number[][]): tf.Tensor => tf.tensor2d(values, [values.length, values[0].length], 'int32');
/** Sequences of these lengths, with ids that no family takes for padding. */
const sequences = [5, 9, 1, 9, 9, 5].map((length, s) =>
  Array.from({ length }, (_, t) => 2 + ((s * 7 + t * t + 3 * t) % 15)),
);
/** Which of them share a row of 24. */
const rows = [
  [0, 1, 2, 3],
  [4, 5],
];
const T = 24;

/** The rows filled up, and which sequence each token belongs to. */
function pack(filler: number): { inputIds: number[][]; sequenceIds: number[][]; labels: number[][] } {
  const fill = (list: number[], value: number): number[] => [...list, ...Array<number>(T - list.length).fill(value)];
  return {
    inputIds: rows.map((row) =>
      fill(
        row.flatMap((s) => sequences[s]),
        filler,
      ),
    ),
    sequenceIds: rows.map((row) =>
      fill(
        row.flatMap((s, i) => sequences[s].map(() => i + 1)),
        0,
      ),
    ),
    labels: rows.map((row) =>
      fill(
        row.flatMap((s) => labelsOf(sequences[s])),
        -100,
      ),
    ),
  };
}
const labelsOf = (ids: readonly number[]): number[] => ids.map((id) => (id * 5 + 1) % V);

/** One batch of ids with its labels. */
interface Batch {
  readonly inputs: ForwardInputs;
  readonly labels: number[][];
}

/** The logits of all positions that are not padding, the loss summed over them, and its gradients. */
interface Measured {
  readonly logits: number[];
  readonly loss: number;
  readonly gradients: number[][];
}

function measure(model: Model, batches: readonly Batch[], more: object = {}): Measured {
  const { architecture, config, params } = model;
  const pairs = flattenParams(params);
  const options = { config, ...more } as ForwardOptions;
  return tf.tidy(() => {
    const logits = batches.flatMap(({ inputs, labels }) => {
      const all = architecture.forward(params, inputs, options).logits.dataSync();
      return labels.flat().flatMap((label, at) => (label < 0 ? [] : Array.from(all.slice(at * V, (at + 1) * V))));
    });
    const objective = (...leaves: tf.Tensor[]): tf.Scalar => {
      const tree = unflattenParams(pairs.map(([path], i) => [path, leaves[i]]));
      const losses = batches.map(({ inputs, labels }) => {
        const rows = tf.reshape(architecture.forward(tree, inputs, options).logits, [-1, V]);
        return crossEntropy(rows, tf.tensor1d(labels.flat(), 'int32'), { reduction: 'sum' });
      });
      return losses.reduce((one, other) => tf.add(one, other)) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(objective)(pairs.map(([, weight]) => weight as tf.Tensor));
    return { logits, loss: value.dataSync()[0], gradients: grads.map((grad) => Array.from(grad.dataSync())) };
  });
}

const packedBatch = (filler: number): Batch => {
  const { inputIds, sequenceIds, labels } = pack(filler);
  return { inputs: { inputIds: int(inputIds), sequenceIds: int(sequenceIds) }, labels };
};
/** Rows of one length are a batch, so that nothing is padded. */
const aloneBatches = (order: number[] = []): Batch[] =>
  [1, 5, 9].map((length) => {
    const some = sequences.flatMap((ids, s) => (ids.length === length ? [s] : []));
    order.push(...some);
    return {
      inputs: { inputIds: int(some.map((s) => sequences[s])) },
      labels: some.map((s) => labelsOf(sequences[s])),
    };
  });

/** The logits of sequences that came in some order, in the order of their numbers. */
function sorted(logits: readonly number[], order: readonly number[]): number[] {
  const parts = new Map<number, number[]>();
  let at = 0;
  for (const s of order) parts.set(s, logits.slice(at, (at += sequences[s].length * V)));
  return sequences.flatMap((_, s) => parts.get(s)!);
}

/** The largest distance, by the larger of 1 and the largest number that was expected. */
function distance(found: readonly number[], expected: readonly number[]): number {
  expect(found.length).toBe(expected.length);
  const size = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...found.map((value, i) => Math.abs(value - expected[i]))) / size;
}

const make = (architecture: Any, config: object): Model =>
  createModel(architecture, config as never, { seed: 3 }) as unknown as Model;

await describeOnBackends('packed rows', (backend) => {
  it.each(families)('$name gives each sequence what it gets alone: logits, loss, gradients', async (family) => {
    await use(backend);
    const model = make(family.architecture, family.config);
    const { padTokenId } = model.config;
    const packed = measure(model, [packedBatch(padTokenId ?? 0)], family.training);
    const order: number[] = [];
    const alone = measure(model, aloneBatches(order));
    expect(Math.max(...alone.logits.map(Math.abs))).toBeGreaterThan(0.1);
    expect(distance(packed.logits, sorted(alone.logits, order))).toBeLessThan(1e-5);
    expect(Math.abs(packed.loss / alone.loss - 1)).toBeLessThan(1e-5);
    packed.gradients.forEach((gradient, i) => expect(distance(gradient, alone.gradients[i])).toBeLessThan(1e-5));
    disposeModel(model);
  });

  it('differs from what is not kept apart', async () => {
    await use(backend);
    const model = make(gpt2 as Any, families[0].config);
    const { inputs, labels } = packedBatch(0);
    const apart = measure(model, [{ inputs, labels }]);
    const mixed = measure(model, [{ inputs: { inputIds: inputs.inputIds }, labels }]);
    expect(distance(mixed.logits, apart.logits)).toBeGreaterThan(0.01);
    disposeModel(model);
  });

  it('gives the same in a compiled program, and leaves no tensor', async () => {
    await use(backend);
    const model = make(llama as Any, families[1].config);
    const { architecture, config, params } = model;
    const { inputs } = packedBatch(0);
    const run = compile((given: { inputIds: tf.Tensor; sequenceIds: tf.Tensor }) => {
      return architecture.forward(params, given, { config }).logits;
    });
    const eager = architecture.forward(params, inputs, { config }).logits;
    const before = tf.memory().numTensors;
    const compiled = await run.runAsync(inputs as never);
    expect(distance(Array.from(compiled.dataSync()), Array.from(eager.dataSync()))).toBeLessThan(1e-5);
    compiled.dispose();
    expect(tf.memory().numTensors).toBe(before);
    run.dispose();
    disposeModel(model);
  });

  it("takes an attentionMask and positionIds of one's own beside sequenceIds", async () => {
    await use(backend);
    const model = make(bert as Any, { ...encoder });
    const { inputs, labels } = packedBatch(0);
    const { architecture, config, params } = model;
    const sequenceIds = inputs.sequenceIds!;
    const attentionMask = tf.cast(tf.greater(sequenceIds, tf.scalar(0, 'int32')), 'int32');
    const masked = measure(model, [{ inputs: { ...inputs, attentionMask }, labels }]);
    const plain = measure(model, [{ inputs, labels }]);
    expect(distance(masked.logits, plain.logits)).toBeLessThan(1e-5);
    const positionIds = int(rows.map(() => Array.from({ length: T }, (_, t) => t)));
    const moved = architecture.forward(params, { ...inputs, positionIds }, { config }).logits.dataSync();
    const usual = architecture.forward(params, inputs, { config }).logits.dataSync();
    expect(distance(Array.from(moved), Array.from(usual))).toBeGreaterThan(0.01);
    disposeModel(model);
  });
});

describe('what cannot be packed', () => {
  const inputIds = (): tf.Tensor => int([[3, 4, 5, 6]]);
  const sequenceIds = (): tf.Tensor => int([[1, 1, 2, 2]]);
  const refusal = (architecture: Any, config: object, more: Partial<ForwardInputs> = {}): string => {
    const model = make(architecture, config);
    try {
      const inputs = { inputIds: inputIds(), sequenceIds: sequenceIds(), ...more };
      model.architecture.forward(model.params, inputs, { config: model.config });
      return 'nothing was refused';
    } catch (error) {
      return (error as Error).message;
    } finally {
      disposeModel(model);
    }
  };
  const llamaSize = families[1].config;

  it('is refused by a code, with why', async () => {
    await use('cpu');
    const classifier = 'a sequence classifier reads one vector of each row, and a row holds several sequences';
    expect(refusal(gpt2 as Any, { ...size, head: 'sequence-classification' })).toBe(
      `[core] E_PACKING: gpt2: ${classifier}; give each sequence a row of its own`,
    );
    expect(refusal(bert as Any, { ...encoder, head: 'sequence-classification' })).toContain('E_PACKING: bert: ');
    const pattern = localGlobal({ window: 4, globalPositions: [0], causal: true });
    expect(refusal(llama as Any, { ...llamaSize, attention: pattern })).toContain(
      "E_PACKING: llama: the attention pattern 'local-global' goes by places in the row",
    );
    const { maxPositionEmbeddings: _limit, ...halves } = { ...size, intermediateSize: 40 };
    for (const [architecture, config] of [
      [bart, halves],
      [t5, { ...halves, headDim: 16 }],
    ] as const) {
      expect(refusal(architecture as Any, config, { decoderInputIds: inputIds() })).toContain(
        `E_PACKING: ${architecture.name}: an encoder-decoder takes one sequence a row`,
      );
    }
    expect(refusal(withVirtualTokens(gpt2, 2) as Any, size)).toContain(
      'E_PACKING: gpt2: virtual tokens stand before a row',
    );
    const cache = createKeyValueCache(2, { batch: 1, heads: 2, capacity: 8, headDim: 16 } as never);
    expect(refusal(gpt2 as Any, size, { cache })).toContain('E_PACKING: gpt2: a cache holds one sequence a row');
    disposeKeyValueCache(cache);
    expect(refusal(gpt2 as Any, size, { sequenceIds: int([[1, 1, 2]]) })).toContain('E_SHAPE');
    expect(refusal(gpt2 as Any, size, { sequenceIds: tf.ones([1, 4]) })).toContain('E_DTYPE');
  });

  it('gives no pooled vector for a row of several', async () => {
    await use('cpu');
    const model = make(bert as Any, { ...encoder, head: 'none' });
    const { architecture, config, params } = model;
    const inputs = { inputIds: inputIds(), sequenceIds: sequenceIds() };
    expect(architecture.forward(params, inputs, { config }).pooled).toBeUndefined();
    const { pooled } = architecture.forward(params, { inputIds: inputIds() }, { config });
    expect(pooled?.shape).toEqual([inputs.inputIds.shape[0], config.hiddenSize]);
    disposeModel(model);
  });
});
