import '@tensorflow/tfjs-backend-cpu';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import {
  createModel,
  disposeModel,
  generate,
  generateAll,
  generateText,
  gpt2,
  llama,
  releaseGenerationPrograms,
} from '@tesserae/core';
import type { GeneratedSequence, GeneratedToken, GenerateOptions, LogitsProcessor, Model } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { trainByteLevelBpe, trainCharacterTokenizer } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const size = {
  vocabSize: 29,
  hiddenSize: 16,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  maxPositionEmbeddings: 40,
  initializerRange: 0.5,
};
const make = {
  gpt2: () => createModel(gpt2, size, { seed: 5 }) as unknown as Model,
  llama: () =>
    createModel(llama, { ...size, intermediateSize: 24, numKeyValueHeads: 2 }, { seed: 5 }) as unknown as Model,
};
const none: GenerateOptions = { stopTokens: [] };

/** Greedy continuation by running the whole text through the model for every token, on the plain backend. */
async function slowGreedy(name: keyof typeof make, prompt: number[], count: number): Promise<number[]> {
  const backend = tf.getBackend();
  await tf.setBackend('cpu');
  const model = make[name]();
  const ids = [...prompt];
  for (let i = 0; i < count; i++) {
    const next = tf.tidy(() => {
      const inputIds = tf.tensor2d([ids], undefined, 'int32');
      const { logits } = model.architecture.forward(
        model.params,
        { inputIds },
        { config: model.config, logits: 'last' },
      );
      return [...(logits.dataSync() as Float32Array)];
    });
    ids.push(next.indexOf(Math.max(...next)));
  }
  disposeModel(model);
  await tf.setBackend(backend);
  return ids.slice(prompt.length);
}

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
    return 'none';
  } catch (error) {
    return isTesseraeError(error) ? error.code : `uncoded: ${String(error)}`;
  }
};

const collect = async (tokens: AsyncIterable<GeneratedToken>): Promise<GeneratedToken[]> => {
  const all: GeneratedToken[] = [];
  for await (const token of tokens) all.push(token);
  return all;
};

/** Makes a model say the given ids, whatever it thinks. */
function say(ids: readonly number[], promptLength: number): LogitsProcessor {
  return (logits, context) => {
    logits.fill(-Infinity);
    logits[ids[context.ids.length - promptLength] ?? 0] = 0;
  };
}

afterAll(() => releaseGenerationPrograms());

describe.each(['cpu', 'onnx'])('on %s', (backend) => {
  beforeAll(async () => {
    if (backend === 'onnx') await useOnnx();
    else await tf.setBackend(backend);
  });

  it.each(['gpt2', 'llama'] as const)('%s: prefill and decode give what whole passes give', async (name) => {
    const model = make[name]();
    const prompts = [[1, 2, 3, 4, 5, 6, 7], [9], [4, 8, 15, 16], Array.from({ length: 17 }, (_, i) => (i * 5) % 29)];
    const wanted: number[][] = [];
    for (const prompt of prompts) wanted.push(await slowGreedy(name, prompt, 12));
    const before = tf.memory().numTensors;
    const batch = await generateAll(model, prompts, { ...none, maxNewTokens: 12 });
    expect(batch.map(({ ids }) => ids)).toEqual(wanted);
    expect(batch.map(({ promptIds }) => promptIds)).toEqual(prompts);
    const [alone] = await generateAll(model, Int32Array.from(prompts[0]), { ...none, maxNewTokens: 12 });
    expect(alone).toMatchObject({ ids: wanted[0], finished: 'length' });
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('uses the whole context, to its last position', async () => {
    const model = make.gpt2();
    const prompt = Array.from({ length: 30 }, (_, i) => i % 29);
    const [{ ids }] = await generateAll(model, prompt, { ...none, maxNewTokens: 11 });
    expect(ids).toEqual(await slowGreedy('gpt2', prompt, 11));
    expect((await generateAll(model, prompt, none))[0].ids.length).toBe(11); // as many as fit
    expect(await codeOf(() => generate(model, prompt, { maxNewTokens: 12 }))).toBe('E_CONTEXT_LENGTH');
    expect(await codeOf(() => generate(model, Array<number>(41).fill(1)))).toBe('E_CONTEXT_LENGTH');
    disposeModel(model);
  });

  it('leaves no tensor behind, however it ends', async () => {
    const model = make.llama();
    await generateAll(model, [1, 2], { ...none, maxNewTokens: 3 });
    const before = tf.memory().numTensors;
    for await (const token of generate(model, [[1, 2], [3]], none)) if (token.index === 1) break;
    expect(tf.memory().numTensors).toBe(before);
    const thrown = new Error('mine');
    const failing = async (): Promise<void> => {
      for await (const _ of generate(model, [1, 2], none)) throw thrown;
    };
    await expect(failing()).rejects.toBe(thrown);
    expect(tf.memory().numTensors).toBe(before);
    const spoiled: LogitsProcessor = (_, { ids }) => {
      if (ids.length > 3) throw thrown;
    };
    await expect(generateAll(model, [1, 2], { ...none, processors: [spoiled] })).rejects.toBe(thrown);
    expect(tf.memory().numTensors).toBe(before);
    generate(model, [1, 2]); // never started
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('frees what an abandoned iterator held, when it is collected', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const model = make.gpt2();
    const before = tf.memory().numTensors;
    await (async () => {
      const tokens = generate(model, [1, 2], none);
      await tokens.next();
    })();
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    for (let i = 0; i < 200 && tf.memory().numTensors > before; i++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('stops when its signal says so', async () => {
    const model = make.gpt2();
    const before = tf.memory().numTensors;
    const early = AbortSignal.abort(new Error('why'));
    expect(await codeOf(() => generateAll(model, [1], { ...none, signal: early }))).toBe('E_ABORTED');
    const controller = new AbortController();
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      for await (const { id } of generate(model, [1], { ...none, signal: controller.signal })) {
        seen.push(id);
        if (seen.length === 3) setTimeout(() => controller.abort(), 0); // as a key press would
      }
    };
    expect(await codeOf(run)).toBe('E_ABORTED');
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.length).toBeLessThan(40);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('samples the same tokens for the same seed, whatever stands beside a row', async () => {
    const model = make.gpt2();
    const options = { ...none, temperature: 1.5, topK: 20, topP: 0.95, maxNewTokens: 15 };
    const [one] = await generateAll(model, [3, 1, 4], { ...options, seed: 11 });
    const [again, other] = await generateAll(
      model,
      [
        [3, 1, 4],
        [3, 1, 4],
      ],
      { ...options, seed: 11 },
    );
    const [third] = await generateAll(model, [3, 1, 4], { ...options, seed: 12 });
    expect(again.ids).toEqual(one.ids);
    expect(other.ids).not.toEqual(one.ids); // the second row draws its own numbers
    expect(third.ids).not.toEqual(one.ids);
    const [greedy] = await generateAll(model, [3, 1, 4], { ...none, maxNewTokens: 15 });
    expect((await generateAll(model, [3, 1, 4], { ...options, temperature: 0 }))[0].ids).toEqual(greedy.ids);
    expect((await generateAll(model, [3, 1, 4], { ...options, topK: 1 }))[0].ids).toEqual(greedy.ids);
    disposeModel(model);
  });
});

describe('what comes with the tokens', () => {
  beforeAll(() => tf.setBackend('cpu'));
  const characters = trainCharacterTokenizer('abcdefgh END.');
  const model = (tokenizer: Tokenizer): Model =>
    createModel(gpt2, { ...size, vocabSize: tokenizer.vocabSize }, { seed: 1, tokenizer }) as unknown as Model;
  const idsOf = (tokenizer: Tokenizer, text: string): number[] => [...tokenizer.encode(text)];

  it('the raw logits, before any processor', async () => {
    const plain = make.gpt2();
    const [{ logits, ids }] = await generateAll(plain, [1, 2], {
      ...none,
      maxNewTokens: 3,
      logits: true,
      processors: [say([7, 8, 9], 2)],
    });
    expect(ids).toEqual([7, 8, 9]);
    expect(logits).toHaveLength(3);
    for (const [i, row] of logits!.entries()) {
      const wanted = tf.tidy(() => {
        const inputIds = tf.tensor2d([[1, 2, 7, 8].slice(0, 2 + i)], undefined, 'int32');
        return plain.architecture
          .forward(plain.params, { inputIds }, { config: plain.config, logits: 'last' })
          .logits.dataSync();
      });
      row.forEach((value, v) => expect(value).toBeCloseTo(wanted[v], 4));
    }
    disposeModel(plain);
  });

  it('text that ends before a stop string, however it is cut', async () => {
    const chatty = model(characters);
    const prompt = idsOf(characters, 'ab');
    const text = 'cdE ENEND. gh';
    const processors = [say(idsOf(characters, text), 2)];
    const tokens = await collect(
      generate(chatty, prompt, { ...none, maxNewTokens: 13, processors, stop: ['END', 'xyz'] }),
    );
    expect(tokens.map((token) => token.text)).toEqual(['c', 'd', '', 'E ', '', '', 'EN', '', '']);
    expect(tokens.map((token) => token.text).join('')).toBe('cdE EN');
    expect(tokens[tokens.length - 1]).toMatchObject({ finished: 'stop-string', index: 8 });
    const held = await collect(generate(chatty, prompt, { ...none, maxNewTokens: 7, processors, stop: 'END' }));
    expect(held.map((token) => token.text).join('')).toBe('cdE ENE'); // what was held back comes at the end
    expect(held[6].finished).toBe('length');
    const earliest = await generateText(chatty, 'ab', { ...none, maxNewTokens: 13, processors, stop: ['D', 'EN'] });
    expect(earliest).toBe('cdE ');
  });

  it('a stop token, which ends its row alone', async () => {
    const chatty = model(characters);
    const [stop] = idsOf(characters, '.');
    const rows = await generateAll(chatty, ['ab', 'abc'], {
      maxNewTokens: 8,
      stopTokens: [stop],
      processors: [
        (logits, { ids }) => {
          logits.fill(-Infinity);
          logits[ids.length === 5 && ids[2] !== idsOf(characters, 'c')[0] ? stop : idsOf(characters, 'd')[0]] = 0;
        },
      ],
    });
    expect(rows.map(({ text, finished }) => [text, finished])).toEqual([
      ['ddd', 'stop-token'],
      ['dddddddd', 'length'],
    ]);
    expect(rows[0].ids[3]).toBe(stop);
  });

  it('changes no other row, also where rotations depend on the longest text', async () => {
    const factors = { shortFactor: [1, 1], longFactor: [1, 4] };
    const ropeScaling = { type: 'longrope', ...factors, factor: 2, originalMaxPositionEmbeddings: 14 } as const;
    const long = createModel(llama, { ...size, intermediateSize: 24, ropeScaling }, { seed: 6 });
    const rows = (end?: number): Promise<GeneratedSequence[]> => {
      const processors: LogitsProcessor[] = [
        (logits, { ids, promptLength }) => {
          logits[28] = promptLength === 12 && ids.length === end ? Infinity : -Infinity;
        },
      ];
      const prompts = [Array.from({ length: 12 }, (_, i) => i), [3, 4]];
      return generateAll(long, prompts, { maxNewTokens: 10, stopTokens: [28], processors, logits: true });
    };
    const [, whole] = await rows();
    const [ended, beside] = await rows(13);
    expect(ended.ids.length).toBe(2);
    expect(beside.logits).toEqual(whole.logits);
    disposeModel(long);
  });

  it('ends with the eosTokenId of the config, one or several', async () => {
    const plain = make.gpt2();
    for (const eosTokenId of [7, [3, 7]]) {
      const ending = { ...plain, config: { ...plain.config, eosTokenId } };
      const [{ ids, finished }] = await generateAll(ending, [1], { processors: [say([5, 6, 7, 8], 1)] });
      expect([ids, finished]).toEqual([[5, 6, 7], 'stop-token']);
      expect(
        (await generateAll(ending, [1], { ...none, maxNewTokens: 5, processors: [say([5, 6, 7, 8, 9], 1)] }))[0].ids,
      ).toEqual([5, 6, 7, 8, 9]);
    }
    disposeModel(plain);
  });

  it('whole characters only, and ids that the tokenizer does not know', async () => {
    const bytes = trainByteLevelBpe('ab', { vocabSize: 256 });
    const wide = createModel(gpt2, { ...size, vocabSize: 300 }, { seed: 1, tokenizer: bytes });
    const ids = [...idsOf(bytes, 'é🙂'), 299, ...idsOf(bytes, 'z')];
    const tokens = await collect(generate(wide, 'a', { ...none, maxNewTokens: ids.length, processors: [say(ids, 1)] }));
    expect(tokens.map(({ text }) => text)).toEqual(['', 'é', '', '', '', '🙂', '', 'z']);
    const cut = await collect(generate(wide, 'a', { ...none, maxNewTokens: 3, processors: [say(ids, 1)] }));
    expect(cut.map(({ text }) => text).join('')).toBe('é\uFFFD');
  });

  it('iterates by hand', async () => {
    const plain = make.gpt2();
    const before = tf.memory().numTensors;
    const tokens = generate(plain, [1, 2], none);
    expect((await tokens.next()).value).toMatchObject({ row: 0, index: 0, text: '' });
    expect(tokens[Symbol.asyncIterator]()).toBe(tokens);
    expect(await tokens.return!(undefined)).toEqual({ done: true, value: undefined });
    expect((await tokens.next()).done).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(plain);
  });
});

describe('what is refused', () => {
  let model: Model;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    model = make.gpt2();
  });

  it.each<[string, unknown, GenerateOptions, string]>([
    ['an empty list', [], {}, 'E_EMPTY_PROMPT'],
    ['an empty row', [[1], []], {}, 'E_EMPTY_PROMPT'],
    ['text without a tokenizer', 'abc', {}, 'E_NO_TOKENIZER'],
    ['ids over the vocabulary', [1, 29], {}, 'E_TOKEN_RANGE'],
    ['negative ids', [-1], {}, 'E_TOKEN_RANGE'],
    ['broken ids', [1.5], {}, 'E_TOKEN_RANGE'],
    ['no prompt', undefined, {}, 'E_GENERATION_OPTION'],
    ['rows that are none', [1, [2]], {}, 'E_TOKEN_RANGE'],
    ['rows of objects', [{}], {}, 'E_GENERATION_OPTION'],
    ['an unknown option', [1], { top_k: 5 } as GenerateOptions, 'E_UNKNOWN_OPTION'],
    ['no new tokens', [1], { maxNewTokens: 0 }, 'E_GENERATION_OPTION'],
    ['half a token', [1], { maxNewTokens: 1.5 }, 'E_GENERATION_OPTION'],
    ['a negative temperature', [1], { temperature: -1 }, 'E_GENERATION_OPTION'],
    ['no temperature', [1], { temperature: NaN }, 'E_GENERATION_OPTION'],
    ['a negative topK', [1], { topK: -1 }, 'E_GENERATION_OPTION'],
    ['topP over 1', [1], { topP: 1.1 }, 'E_GENERATION_OPTION'],
    ['a repetition penalty of 0', [1], { repetitionPenalty: 0 }, 'E_GENERATION_OPTION'],
    ['n-grams of half a token', [1], { noRepeatNgramSize: 0.5 }, 'E_GENERATION_OPTION'],
    ['a seed that is none', [1], { seed: -1 }, 'E_GENERATION_OPTION'],
    ['fewer seeds than prompts', [[1], [2]], { seed: [1] }, 'E_GENERATION_OPTION'],
    ['no sequences', [1], { numReturnSequences: 0 }, 'E_GENERATION_OPTION'],
    ['a share over 1', [1], { typicalP: 2 }, 'E_GENERATION_OPTION'],
    ['bad words that are texts', [1], { badWords: ['no'] as never }, 'E_GENERATION_OPTION'],
    ['a bias that is no number', [1], { logitBias: { 1: NaN } }, 'E_GENERATION_OPTION'],
    ['an empty stop string', [1], { stop: '' }, 'E_GENERATION_OPTION'],
    ['stop strings without a tokenizer', [1], { stop: 'x' }, 'E_NO_TOKENIZER'],
    ['stop tokens that are none', [1], { stopTokens: [0.5] }, 'E_GENERATION_OPTION'],
    ['processors that are none', [1], { processors: [1] as never }, 'E_GENERATION_OPTION'],
  ])('%s', async (_, prompt, options, code) => {
    expect(await codeOf(() => generate(model, prompt as number[], options))).toBe(code);
  });

  it('a choice among nothing', async () => {
    const nothing: LogitsProcessor = (logits) => void logits.fill(-Infinity);
    const numbers: LogitsProcessor = (logits) => void logits.fill(NaN);
    const before = tf.memory().numTensors;
    expect(await codeOf(() => generateAll(model, [1], { processors: [nothing] }))).toBe('E_NO_TOKEN');
    expect(await codeOf(() => generateAll(model, [1], { processors: [numbers], temperature: 1 }))).toBe('E_NO_TOKEN');
    expect(tf.memory().numTensors).toBe(before);
  });
});
