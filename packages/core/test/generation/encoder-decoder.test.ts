import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import {
  createModel,
  createPromptCache,
  disposeModel,
  generate,
  generateAll,
  releaseGenerationPrograms,
  t5,
} from '@tesserae/core';
import type { GenerateOptions, Model, PromptCache } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const config = {
  vocabSize: 23,
  hiddenSize: 16,
  numHiddenLayers: 2,
  numDecoderLayers: 3,
  numAttentionHeads: 2,
  headDim: 6,
  intermediateSize: 20,
  maxPositionEmbeddings: 32,
  relativeAttentionBuckets: 8,
  initializerFactor: 3,
};
const small: GenerateOptions = { stopTokens: [], maxNewTokens: 7 };
const texts = [[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], [8], [9, 7, 9]];
const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
    return 'none';
  } catch (error) {
    return isTesseraeError(error) ? error.code : `uncoded: ${String(error)}`;
  }
};
afterAll(() => releaseGenerationPrograms());

/** Greedy continuation by running everything again for every token. */
function slowGreedy(model: Model, text: number[], count: number): number[] {
  const written = [0];
  for (let i = 0; i < count; i++) {
    const logits = tf.tidy(() => {
      const inputIds = tf.tensor2d([text], undefined, 'int32');
      const decoderInputIds = tf.tensor2d([written], undefined, 'int32');
      const options = { config: model.config, logits: 'last' } as const;
      return [...model.architecture.forward(model.params, { inputIds, decoderInputIds }, options).logits.dataSync()];
    });
    written.push(logits.indexOf(Math.max(...logits)));
  }
  return written.slice(1);
}

describe.each(['cpu', 'onnx'])('an encoder-decoder on %s', (backend) => {
  let model: Model;
  let before: number;
  beforeAll(async () => {
    if (backend === 'onnx') await useOnnx();
    else await tf.setBackend(backend);
  });
  beforeEach(() => {
    before = tf.memory().numTensors;
    model = createModel(t5, config, { seed: 4 }) as unknown as Model;
  });
  afterEach(() => {
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives what whole passes give, alone and beside others', async () => {
    const rows = await generateAll(model, texts, small);
    expect(rows.map(({ ids }) => ids)).toEqual(texts.map((text) => slowGreedy(model, text, 7)));
    expect(rows.map(({ promptIds }) => promptIds)).toEqual(texts);
    const [alone] = await generateAll(model, texts[2], small);
    expect(alone.ids).toEqual(rows[2].ids);
  });

  it('goes past maxPositionEmbeddings on both sides, where positions are relative', async () => {
    const long = Array.from({ length: 40 }, (_, i) => (7 * i) % 23);
    const [{ ids }] = await generateAll(model, long, { stopTokens: [], maxNewTokens: 34 });
    expect(ids).toHaveLength(34);
    if (backend === 'cpu') expect(ids).toEqual(slowGreedy(model, long, 34)); // elsewhere every length is compiled
  });

  it('searches with beams and draws several texts', async () => {
    const searching = { ...small, numBeams: 3, numReturnSequences: 2, stopTokens: [6] };
    const rows = await generateAll(model, texts, searching);
    const alone = [];
    for (const text of texts) alone.push(...(await generateAll(model, text, searching)));
    expect(rows.map(({ ids }) => ids)).toEqual(alone.map(({ ids }) => ids));
    const drawn = await generateAll(model, texts[0], { ...small, temperature: 3, numReturnSequences: 3 });
    expect(new Set(drawn.map(({ ids }) => ids.join())).size).toBe(3);
  });

  it('begins as it is told, and looks at the text of the encoder where that is asked for', async () => {
    const [forced] = await generateAll(model, texts[0], { ...small, forcedBosTokenId: 20, forcedEosTokenId: 21 });
    expect([forced.ids[0], forced.ids[6]]).toEqual([20, 21]);
    const [other] = await generateAll(model, texts[0], { ...small, decoderStartTokenId: 5, logits: true });
    const [usual] = await generateAll(model, texts[0], { ...small, logits: true });
    expect([...other.logits![0]]).not.toEqual([...usual.logits![0]]);
    const [unlike] = await generateAll(model, texts[0], { ...small, encoderNoRepeatNgramSize: 1 });
    expect(unlike.ids.filter((id) => texts[0].includes(id))).toEqual([]);
  });

  it('frees what it holds when it is left or cannot go on', async () => {
    for await (const token of generate(model, texts, small)) if (token.index === 1) break;
    expect(await codeOf(() => generateAll(model, texts, { ...small, signal: AbortSignal.abort() }))).toBe('E_ABORTED');
    expect(await codeOf(() => generate(model, texts, { ...small, decoderStartTokenId: 99 }))).toBe(
      'E_GENERATION_OPTION',
    );
    expect(await codeOf(() => createPromptCache(model, [1]))).toBe('E_PROMPT_CACHE');
    expect(await codeOf(() => generate(model, [1], { cache: {} as PromptCache }))).toBe('E_PROMPT_CACHE');
    const classifier = { ...model, config: { ...model.config, head: 'sequence-classification' as const } };
    expect(await codeOf(() => generate(classifier, [1]))).toBe('E_NOT_GENERATIVE');
  });
});
