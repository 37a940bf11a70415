import * as tf from '@tensorflow/tfjs-core';
import {
  attentionSinks,
  blockSparse,
  createCapture,
  createKeyValueCache,
  createModel,
  disposeModel,
  generate,
  generateAll,
  gpt2,
  gptNeox,
  integers,
  createKey,
  llama,
  localGlobal,
  mistral,
  slidingWindow,
} from '@tesserae/core';
import type { AttentionPattern, Model } from '@tesserae/core';
import { describe, expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

const size = {
  vocabSize: 31,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  maxPositionEmbeddings: 24,
};
const make = (attention?: AttentionPattern): Model =>
  createModel(
    llama,
    { ...size, numKeyValueHeads: 2, initializerRange: 0.3, attention },
    { seed: 3 },
  ) as unknown as Model;

const ids = (length: number): tf.Tensor =>
  tf.tensor2d(integers(createKey(8), length, 0, size.vocabSize), [1, length], 'int32');

/** Logits of the whole text in one pass, [T, V]. */
const whole = (model: Model, inputIds: tf.Tensor): tf.Tensor =>
  tf.squeeze(model.architecture.forward(model.params, { inputIds }, { config: model.config }).logits, [0]);

/** Logits of the text piece by piece through a cache of so many slots. */
function pieces(model: Model, inputIds: tf.Tensor, sizes: readonly number[], capacity: number): tf.Tensor {
  const { config, architecture, params } = model;
  const heads = config.numKeyValueHeads ?? config.numAttentionHeads;
  let cache = createKeyValueCache(config.numHiddenLayers, {
    batch: 1,
    heads,
    capacity,
    headDim: config.hiddenSize / config.numAttentionHeads,
  });
  const parts: tf.Tensor[] = [];
  let from = 0;
  for (const time of sizes) {
    const part = tf.slice(inputIds, [0, from], [1, time]);
    const output = architecture.forward(params, { inputIds: part, cache }, { config });
    parts.push(tf.squeeze(output.logits, [0]));
    cache = output.cache!;
    from += time;
  }
  return tf.concat(parts, 0); // [T, V]
}

const expectClose = (found: tf.Tensor, wanted: tf.Tensor): void => {
  expect(found.shape).toEqual(wanted.shape);
  expect(tf.max(tf.abs(tf.sub(found, wanted))).dataSync()[0]).toBeLessThan(2e-4);
};

const ones = (count: number): number[] => new Array<number>(count).fill(1);

await describeOnBackends('a model under a pattern', (backend) => {
  for (const [name, pattern] of [
    ['a sliding window', slidingWindow({ window: 7 })],
    ['attention sinks', attentionSinks({ sinks: 2, window: 6 })],
  ] as const) {
    it(`${name}: piece by piece through a rolling cache as in one pass, far past the model's positions`, async () => {
      await use(backend);
      const model = make(pattern);
      tf.tidy(() => {
        const text = ids(61);
        const wanted = whole(model, text);
        const capacity = pattern.stream!.sinks + pattern.stream!.window;
        expectClose(pieces(model, text, ones(61), capacity), wanted);
        expectClose(pieces(model, text, [3, 8, 1, 1, 20, 5, 1, 22], capacity), wanted);
      });
      disposeModel(model);
    });
  }

  for (const [name, pattern] of [
    ['global tokens', localGlobal({ window: 5, globalPositions: [2], causal: true })],
    ['global tokens of a rule that is not causal', localGlobal({ window: 6, globalPositions: [0] })],
    ['random blocks', blockSparse({ block: 4, windowBlocks: 1, randomBlocks: 1, causal: true })],
  ] as const) {
    it(`${name}: piece by piece through a whole cache as in one pass`, async () => {
      await use(backend);
      const model = make(pattern);
      tf.tidy(() => expectClose(pieces(model, ids(23), [9, 1, 1, 12], 24), whole(model, ids(23))));
      disposeModel(model);
    });
  }
});

describe('what a pattern changes', () => {
  it('nothing where the window holds the whole text', async () => {
    await use('onnx');
    const model = make();
    for (const pattern of [slidingWindow({ window: 30 }), attentionSinks({ sinks: 3, window: 21 })]) {
      const windowed = { ...model, config: { ...model.config, attention: pattern } };
      tf.tidy(() => expectClose(whole(windowed, ids(20)), whole(model, ids(20))));
    }
    disposeModel(model);
  });

  it('a window of its own (Mistral) is computed alone in a long text, and is the same', async () => {
    await use('onnx');
    const model = createModel(
      mistral,
      { ...size, maxPositionEmbeddings: 400, slidingWindow: 20 },
      { seed: 4 },
    ) as unknown as Model;
    const dense = createModel(
      llama,
      { ...size, maxPositionEmbeddings: 400, attention: slidingWindow({ window: 20 }) },
      { seed: 4 },
    ) as unknown as Model;
    const text = ids(300);
    // with the cache, attention is over all keys with the window as a mask
    tf.tidy(() => {
      expectClose(whole(model, text), pieces(model, text, [300], 300));
      expectClose(whole(model, text), whole({ ...dense, params: model.params }, text));
    });
    text.dispose();
    [model, dense].forEach(disposeModel);
  });

  it('captured weights are those of the pattern', async () => {
    await use('onnx');
    const model = make(slidingWindow({ window: 3 }));
    tf.tidy(() => {
      const capture = createCapture({ names: ['layers.0.attention.weights'] });
      const { logits } = model.architecture.forward(
        model.params,
        { inputIds: ids(9) },
        { config: model.config, capture },
      );
      const far = (capture.values['layers.0.attention.weights'].arraySync() as number[][][][])[0][0][8];
      expect(far.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(far.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expectClose(tf.squeeze(logits, [0]), whole(model, ids(9)));
    });
    disposeModel(model);
  });

  it('drops weights of blocks where it is trained with dropout', async () => {
    await use('onnx');
    const model = make(slidingWindow({ window: 3 }));
    const config = { ...model.config, attentionDropout: 0.5 };
    tf.tidy(() => {
      const run = (training: boolean): tf.Tensor =>
        model.architecture.forward(model.params, { inputIds: ids(20) }, { config, training, key: createKey(1) }).logits;
      expectClose(run(true), run(true));
      expect(tf.max(tf.abs(tf.sub(run(true), run(false)))).dataSync()[0]).toBeGreaterThan(1e-3);
    });
    disposeModel(model);
  });

  it('ignores padding at the end', async () => {
    await use('onnx');
    const model = make(slidingWindow({ window: 4 }));
    tf.tidy(() => {
      const text = ids(18);
      const attentionMask = tf.tensor2d([...ones(12), ...new Array<number>(6).fill(0)], [1, 18], 'int32');
      const { logits } = model.architecture.forward(
        model.params,
        { inputIds: text, attentionMask },
        { config: model.config },
      );
      expectClose(tf.slice(tf.squeeze(logits, [0]), [0, 0], [12, 31]), whole(model, tf.slice(text, [0, 0], [1, 12])));
    });
    disposeModel(model);
  });
});

describe('streams', () => {
  const collect = async (
    model: Model,
    prompt: number[],
    options: Parameters<typeof generate>[2],
  ): Promise<number[]> => {
    const found: number[] = [];
    for await (const token of generate(model, prompt, { stopTokens: [], ...options })) found.push(token.id);
    return found;
  };

  it('go on past the positions of the model, with the tokens of one long pass', async () => {
    await use('onnx');
    const model = make();
    const attention = attentionSinks({ sinks: 2, window: 10 });
    const prompt = Array.from({ length: 17 }, (_, at) => (at * 7) % 31);
    const before = tf.memory().numTensors;
    const found = await collect(model, prompt, { attention, maxNewTokens: 60 });
    expect(tf.memory().numTensors).toBe(before);
    tf.tidy(() => {
      const all = tf.tensor2d([...prompt, ...found], [1, 77], 'int32');
      const logits = whole({ ...model, config: { ...model.config, attention } }, all);
      const best = Array.from(tf.argMax(logits, 1).dataSync());
      expect(best.slice(16, 76)).toEqual(found);
    });
    disposeModel(model);
  });

  it('take several prompts of one length, and several answers', async () => {
    await use('onnx');
    const model = make(slidingWindow({ window: 6 }));
    const [one, two] = await generateAll(model, [[1, 2, 3], [4, 5, 6]], { maxNewTokens: 40, stopTokens: [] }); // prettier-ignore
    expect(one.ids).toEqual(await collect(model, [1, 2, 3], { maxNewTokens: 40 }));
    expect(two.ids).toEqual(await collect(model, [4, 5, 6], { maxNewTokens: 40 }));
    const several = await generateAll(model, [1, 2, 3], { maxNewTokens: 30, stopTokens: [], numReturnSequences: 3, temperature: 1, seed: 5 }); // prettier-ignore
    expect(several.map((row) => row.ids.length)).toEqual([30, 30, 30]);
    await expect(generateAll(model, [[1], [2, 3]], { maxNewTokens: 2 })).rejects.toThrow('prompts of 1, 2 tokens');
    disposeModel(model);
  });

  it('can be run densely all the same', async () => {
    await use('onnx');
    const model = make(slidingWindow({ window: 3 }));
    const dense = { ...model, config: { ...model.config, attention: undefined } };
    const options = { maxNewTokens: 12 };
    expect(await collect(model, [1, 2, 3], { ...options, attention: null })).toEqual(
      await collect(dense, [1, 2, 3], options),
    );
    disposeModel(model);
  });

  it('work for partly rotated heads, and not past learned positions', async () => {
    await use('onnx');
    const neox = createModel(
      gptNeox,
      { ...size, rotaryFraction: 0.5, attention: attentionSinks({ window: 8 }) },
      { seed: 2 },
    ) as unknown as Model;
    tf.tidy(() => expectClose(pieces(neox, ids(40), [10, ...ones(30)], 12), whole(neox, ids(40))));
    expect(await collect(neox, [1, 2], { maxNewTokens: 40 })).toHaveLength(40);
    const learned = createModel(gpt2, { vocabSize: 31, hiddenSize: 32, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 24, attention: slidingWindow({ window: 5 }) }, { seed: 2 }) as unknown as Model; // prettier-ignore
    tf.tidy(() => expectClose(pieces(learned, ids(24), [7, ...ones(17)], 5), whole(learned, ids(24))));
    await expect(collect(learned, [1, 2], { maxNewTokens: 40 })).rejects.toThrow('E_CONTEXT_LENGTH');
    [neox, learned].forEach(disposeModel);
  });

  it('refuse what they cannot do', async () => {
    await use('cpu');
    const model = make(slidingWindow({ window: 4 }));
    expect(() => make({ window: 4 } as never)).toThrow('attention is {"window":4}, no attention pattern');
    expect(() => tf.tidy(() => pieces(model, ids(3), [3], 9))).toThrow(
      'a cache of 9 slots for 0 sinks and a window of 4',
    );
    await expect(collect(model, [1], { attention: 'sliding-window' as never })).rejects.toThrow('E_GENERATION_OPTION');
    const cache = createKeyValueCache(2, { batch: 1, heads: 2, capacity: 4, headDim: 8 });
    const attentionMask = tf.ones([1, 4], 'int32');
    expect(() =>
      model.architecture.forward(model.params, { inputIds: ids(1), cache, attentionMask }, { config: model.config }),
    ).toThrow("a stream's cache has no place for padding");
    disposeModel(model);
  });
});
