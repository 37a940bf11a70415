import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import {
  cloneModel,
  createModel,
  createPromptCache,
  disposeModel,
  disposePromptCache,
  forkPromptCache,
  generate,
  generateAll,
  gpt2,
  llama,
  loadPromptCache,
  readSafetensors,
  releaseGenerationPrograms,
  savePromptCache,
  writeSafetensors,
} from '@tesserae/core';
import type { GenerateOptions, Model, PromptCache } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { piecesOf } from '../../src/generation/session';

const size = {
  vocabSize: 29,
  hiddenSize: 16,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  maxPositionEmbeddings: 80,
  initializerRange: 0.5,
};
const small: GenerateOptions = { stopTokens: [], maxNewTokens: 6 };
const text = (length: number, step = 5): number[] => Array.from({ length }, (_, i) => (i * step + 3) % 29);
const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
    return 'none';
  } catch (error) {
    return isTesseraeError(error) ? error.code : `uncoded: ${String(error)}`;
  }
};
afterAll(() => releaseGenerationPrograms());

describe.each(['cpu', 'onnx'])('on %s', (backend) => {
  let model: Model;
  let before: number;
  beforeAll(async () => {
    if (backend === 'onnx') await useOnnx();
    else await tf.setBackend(backend);
  });
  beforeEach(() => {
    before = tf.memory().numTensors;
    model = createModel(llama, { ...size, intermediateSize: 24, numKeyValueHeads: 2 }, { seed: 5 }) as unknown as Model;
  });
  afterEach(() => {
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
  const plain = async (prompt: number[], options: GenerateOptions = {}): Promise<number[][]> =>
    (await generateAll(model, prompt, { ...small, ...options })).map(({ ids }) => ids);
  const cached = (cache: PromptCache, prompt: number[], options: GenerateOptions = {}): Promise<number[][]> =>
    plain(prompt, { ...options, cache });

  it('gives the same tokens as without, and reads only what is new', async () => {
    const cache = await createPromptCache(model, text(19));
    expect(cache.ids).toEqual(text(19));
    let prompt = text(19);
    for (const more of [[7], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], []]) {
      prompt = [...prompt, ...more];
      const [ids] = await cached(cache, prompt);
      expect([ids]).toEqual(await plain(prompt));
      expect(cache.ids).toEqual([...prompt, ...ids.slice(0, -1)]);
      prompt = [...prompt, ...ids];
    }
    const other = [...text(11), 1, 1, 1]; // shares a beginning, and the rest is forgotten
    expect(await cached(cache, other)).toEqual(await plain(other));
    expect(cache.ids.slice(0, 14)).toEqual(other);
    expect(await cached(cache, [2])).toEqual(await plain([2]));
    disposePromptCache(cache);
  });

  it('can be forked: each goes its way', async () => {
    const cache = await createPromptCache(model, text(12));
    const [one, two] = [forkPromptCache(cache), forkPromptCache(cache)];
    const prompts = [
      [...text(12), 4],
      [...text(12), 9],
      [...text(12), 11],
    ];
    for (const [i, each] of [one, two, cache].entries()) {
      expect(await cached(each, prompts[i])).toEqual(await plain(prompts[i]));
      expect(await cached(each, prompts[i])).toEqual(await plain(prompts[i]));
    }
    expect(one.ids.slice(0, 13)).toEqual(prompts[0]);
    for (const each of [one, two, cache]) disposePromptCache(each);
  });

  it('serves beams and several sequences, and stays as it is', async () => {
    const cache = await createPromptCache(model, text(12));
    const prompt = [...text(12), 4, 5];
    for (const options of [
      { numBeams: 3, numReturnSequences: 2 },
      { temperature: 2, numReturnSequences: 3 },
    ]) {
      expect(await cached(cache, prompt, options)).toEqual(await plain(prompt, options));
      expect(cache.ids).toEqual(text(12));
    }
    disposePromptCache(cache);
  });

  it('belongs to one generation at a time, and comes back when that is left', async () => {
    const cache = await createPromptCache(model, text(5));
    const running = generate(model, text(5), { ...small, cache });
    await running.next();
    expect(await codeOf(() => generate(model, text(5), { ...small, cache }))).toBe('E_PROMPT_CACHE');
    expect(await codeOf(() => forkPromptCache(cache))).toBe('E_PROMPT_CACHE');
    await running.return!();
    expect(cache.ids).toEqual(text(5));
    const signal = AbortSignal.abort();
    expect(await codeOf(() => cached(cache, [...text(5), 1], { signal }))).toBe('E_ABORTED');
    expect(await cached(cache, [...text(5), 1])).toEqual(await plain([...text(5), 1]));
    disposePromptCache(cache);
    disposePromptCache(cache); // again, to no effect
    expect(await codeOf(() => cached(cache, [1]))).toBe('E_PROMPT_CACHE');
  });

  it('can be saved and loaded by the same weights, and no others', async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'cache-')), 'prompt.safetensors');
    const cache = await createPromptCache(model, text(21));
    await savePromptCache(cache, file);
    expect(cache.ids).toEqual(text(21));
    const twin = cloneModel(model);
    const loaded = await loadPromptCache(twin, file);
    expect(loaded.ids).toEqual(text(21));
    const prompt = [...text(21), 8];
    const [{ ids }] = await generateAll(twin, prompt, { ...small, cache: loaded });
    expect([ids]).toEqual(await plain(prompt));
    const otherSeed = createModel(llama, { ...size, intermediateSize: 24, numKeyValueHeads: 2 }, { seed: 6 });
    const otherSize = createModel(llama, { ...size, intermediateSize: 24, numKeyValueHeads: 4 }, { seed: 5 });
    const otherForm = createModel(gpt2, size, { seed: 5 });
    for (const other of [otherSeed, otherSize, otherForm] as unknown as Model[]) {
      expect(await codeOf(() => loadPromptCache(other, file))).toBe('E_PROMPT_CACHE');
      expect(await codeOf(() => generate(other, [1], { cache }))).toBe('E_PROMPT_CACHE');
      disposeModel(other);
    }
    const turned = { ...model, config: { ...model.config, ropeTheta: 5e5 } };
    expect(await codeOf(() => generate(turned, [1], { cache }))).toBe('E_PROMPT_CACHE');
    expect(await codeOf(() => generate({ ...model, config: { ...model.config, eosTokenId: 3 } }, [1], { cache }))).toBe('none'); // prettier-ignore
    disposePromptCache(loaded);
    disposePromptCache(cache);
    disposeModel(twin);
  });

  it('is refused when the file is damaged', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'cache-'));
    const file = path.join(folder, 'prompt.safetensors');
    const cache = await createPromptCache(model, text(9));
    await savePromptCache(cache, file);
    disposePromptCache(cache);
    const bytes = readFileSync(file);
    const { tensors, metadata } = await readSafetensors(file);
    const changed = path.join(folder, 'changed.safetensors');
    const rewrite = async (change: (all: typeof tensors) => void, meta: Record<string, string> = {}) => {
      const all = new Map(
        [...tensors].map(([name, one]) => [name, { ...one, data: one.data.slice() as typeof one.data }]),
      );
      change(all);
      await writeSafetensors(changed, all.values(), { ...metadata, ...meta });
      return codeOf(async () => disposePromptCache(await loadPromptCache(model, changed)));
    };
    writeFileSync(changed, bytes.subarray(0, bytes.length - 5));
    expect(await codeOf(() => loadPromptCache(model, changed))).toBe('E_SAFETENSORS_TRUNCATED');
    expect(await rewrite(() => undefined)).toBe('none');
    expect(await rewrite(() => undefined, { format: 'pt' })).toBe('E_PROMPT_CACHE');
    expect(await rewrite(() => undefined, { version: '2' })).toBe('E_PROMPT_CACHE');
    expect(await rewrite((all) => all.delete('keys.1'))).toBe('E_PROMPT_CACHE');
    expect(await rewrite((all) => all.set('more', { ...all.get('ids')!, name: 'more' }))).toBe('E_PROMPT_CACHE');
    expect(await rewrite((all) => (all.get('ids')!.data as Int32Array).fill(29))).toBe('E_TOKEN_RANGE');
    expect(await rewrite((all) => (all.get('values.0')!.data as Float32Array).fill(3))).toBe('E_PROMPT_CACHE');
    expect(await codeOf(() => loadPromptCache(model, path.join(folder, 'none')))).toBe('E_NOT_FOUND');
  });

  it('is refused where it cannot serve', async () => {
    const cache = await createPromptCache(model);
    expect(cache.ids).toEqual([]);
    expect(await codeOf(() => generate(model, [[1], [2]], { cache }))).toBe('E_PROMPT_CACHE');
    expect(await codeOf(() => generate(model, [1], { cache: {} as PromptCache }))).toBe('E_PROMPT_CACHE');
    expect(await codeOf(() => savePromptCache(cache, 'x'))).toBe('E_PROMPT_CACHE');
    expect(await codeOf(() => createPromptCache(model, text(81)))).toBe('E_CONTEXT_LENGTH');
    expect(await cached(cache, [4, 2])).toEqual(await plain([4, 2]));
    disposePromptCache(cache);
  });
});

it('reads prompts in pieces that share programs and leave nothing out', async () => {
  await useOnnx();
  for (let total = 1; total < 300; total++) {
    for (let known = 0; known < total; known += 7) {
      const pieces = piecesOf(known, total);
      let read = known;
      for (const { start, count } of pieces) {
        expect(start >= 0 && start <= read && count > 0).toBe(true);
        read = start + count;
      }
      expect(read).toBe(total);
    }
  }
});
