import * as tf from '@tensorflow/tfjs-core';
import { cacheShapeOf } from '../model/cacheShape';
import type { KeyValueCache, Model } from '../model/types';
import { openSafetensors } from '../weights/safetensors-read';
import type { SafetensorsFile } from '../weights/safetensors-read';
import { writeSafetensors } from '../weights/safetensors-write';
import type { SafetensorsInput } from '../weights/safetensors-write';
import { positionLimitOf, readPrompt } from './prompt';
import { makePromptCache, promptCacheError, promptCacheState, takeKeyValues } from './prompt-cache';
import type { PromptCacheState } from './prompt-cache';
import type { PromptCache } from './prompt-cache-type';
import { openSession, release } from './session';
import type { Held } from './session';

const FORMAT = 'tesserae-prompt-cache';
const VERSION = '1';
/** Logits may differ by so much of the largest one between backends, and hardly ever by so little between weights. */
const TOLERANCE = 1e-3;

/** Reads the last tokens again, on the keys and values of those before; gives the logits after them. */
async function readAgain(state: PromptCacheState, held: Held, borrowed: boolean): Promise<Float32Array> {
  const ids = [...state.ids];
  const cache = takeKeyValues(state, borrowed, held)!;
  const prefix = { cache, length: ids.length - 1 };
  return openSession({ model: state.model, prompts: [ids], maxNewTokens: 1, prefix }, held).prefill();
}

function* tensorsOf({ keyValues, ids }: PromptCacheState): Generator<SafetensorsInput> {
  for (const kind of ['keys', 'values'] as const) {
    for (const [layer, tensor] of keyValues![kind].entries()) {
      const [, heads, , width] = tensor.shape as [number, number, number, number];
      const data = async (): Promise<Float32Array> => {
        const filled = tf.slice(tensor, [0, 0, 0, 0], [1, heads, ids.length, width]); // [1, K, T, E]
        try {
          return (await filled.data()) as Float32Array;
        } finally {
          filled.dispose();
        }
      };
      yield { name: `${kind}.${layer}`, dtype: 'F32', shape: [heads, ids.length, width], data };
    }
  }
}

/**
 * Saves a prompt cache as a safetensors file: the ids, the keys and values of every layer, and the logits after the last
 * token, by which the file is known to belong to a model when it is loaded.
 *
 * @param cache the cache; it is not changed
 * @param file where to write; what was there stays until all is written
 * @throws E_PROMPT_CACHE when the cache is empty, disposed or in use; E_DISK_FULL, E_NOT_WRITABLE, E_WRITE_FAILED, E_PATH
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, createPromptCache, gpt2, loadPromptCache, savePromptCache } from '@tesserae/core';
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'prompt.safetensors');
 * await savePromptCache(await createPromptCache(model, [1, 2, 3]), file);
 * console.log((await loadPromptCache(model, file)).ids); // → [ 1, 2, 3 ]
 * ```
 */
export async function savePromptCache(cache: PromptCache, file: string): Promise<void> {
  const state = promptCacheState(cache);
  if (!state.keyValues) throw promptCacheError('the prompt cache is empty', 'let a model read a text into it first');
  state.inUse = true; // nothing may write over the tensors while they are read
  const held: Held = {};
  try {
    const logits = await readAgain(state, held, true); // [V]
    const ids = Int32Array.from(state.ids);
    await writeSafetensors(
      file,
      [
        { name: 'ids', dtype: 'I32', shape: [ids.length], data: ids },
        { name: 'logits', dtype: 'F32', shape: [logits.length], data: logits },
        ...tensorsOf(state),
      ],
      { format: FORMAT, version: VERSION, architecture: state.model.architecture.name },
    );
  } finally {
    state.inUse = false;
    release(held);
  }
}

/** Checks what the file says of itself against the model, before any value is read. */
function checkFile(file: string, { metadata, entries }: SafetensorsFile, model: Model): number {
  const refuse = (message: string, fix = 'make a new one with this model'): never => {
    throw promptCacheError(`${file} ${message}`, fix);
  };
  if (metadata.format !== FORMAT) refuse('is no prompt cache', 'give a file that savePromptCache wrote');
  if (metadata.version !== VERSION) refuse(`has version ${metadata.version}; version ${VERSION} can be read`);
  const { name } = model.architecture;
  if (metadata.architecture !== name) refuse(`belongs to a model of the form ${metadata.architecture}, not ${name}`);
  const time = entries.get('ids')?.shape[0] ?? 0;
  const limit = positionLimitOf(model);
  if (time < 1 || time > limit) refuse(`holds ${time} tokens; the model takes 1 to ${limit}`);
  const { layers, heads, headDim } = cacheShapeOf(model);
  const expected = new Map([
    ['ids', `I32 ${time}`],
    ['logits', `F32 ${model.config.vocabSize}`],
    ...['keys', 'values'].flatMap((kind) =>
      Array.from({ length: layers }, (_, layer) => [`${kind}.${layer}`, `F32 ${heads},${time},${headDim}`] as const),
    ),
  ] as [string, string][]);
  for (const [tensor, wanted] of expected) {
    const entry = entries.get(tensor);
    const found = entry ? `${entry.dtype} ${entry.shape.join()}` : 'nothing';
    if (found !== wanted) refuse(`has ${found} as ${tensor}; this model needs ${wanted}`);
  }
  const extra = [...entries.keys()].find((tensor) => !expected.has(tensor));
  if (extra !== undefined) refuse(`holds ${JSON.stringify(extra)}, which this model has no place for`);
  return time;
}

async function readKeyValues(source: SafetensorsFile, time: number, model: Model): Promise<KeyValueCache> {
  const { layers, heads, headDim } = cacheShapeOf(model);
  const made: tf.Tensor[] = [];
  const read = async (kind: string): Promise<tf.Tensor[]> => {
    const tensors: tf.Tensor[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const { data } = await source.read(`${kind}.${layer}`);
      tensors.push(tf.tensor4d(data as Float32Array, [1, heads, time, headDim])); // [1, K, T, E]
      made.push(tensors[layer]);
    }
    return tensors;
  };
  try {
    return { keys: await read('keys'), values: await read('values'), length: tf.scalar(time, 'int32') };
  } catch (error) {
    tf.dispose(made);
    throw error;
  }
}

/**
 * Loads a prompt cache that `savePromptCache` wrote. The model reads the last few tokens again: if the logits after them
 * are not those in the file, the file belongs to other weights and is refused.
 *
 * @param model the model that the cache was made with, from wherever it was loaded; it is not changed
 * @param file the file
 * @returns the cache; its tensors belong to the caller (`disposePromptCache`)
 * @throws E_PROMPT_CACHE when the file is no prompt cache or belongs to another model; E_TOKEN_RANGE; the codes of
 *   `openSafetensors`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, createPromptCache, generateAll, gpt2, loadPromptCache, savePromptCache } from '@tesserae/core';
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'prompt.safetensors');
 * await savePromptCache(await createPromptCache(model, [1, 2, 3]), file);
 * const cache = await loadPromptCache(model, file);
 * await generateAll(model, [1, 2, 3, 4], { cache, maxNewTokens: 1, stopTokens: [] });
 * console.log(cache.ids); // → [ 1, 2, 3, 4 ]
 * ```
 */
export async function loadPromptCache<C>(model: Model<C>, file: string): Promise<PromptCache> {
  const known = model as unknown as Model;
  const source = await openSafetensors(file);
  const held: Held = {};
  const state: PromptCacheState = { model: known, ids: [], keyValues: undefined, inUse: false, disposed: false };
  try {
    const time = checkFile(file, source, known);
    const ids = (await source.read('ids')).data as Int32Array;
    [state.ids] = readPrompt(known, ids);
    const wanted = (await source.read('logits')).data as Float32Array;
    state.keyValues = await readKeyValues(source, time, known);
    const found = await readAgain(state, held, false); // [V]
    const largest = wanted.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
    if (!found.every((logit, id) => Math.abs(logit - wanted[id]) <= TOLERANCE * (1 + largest)))
      throw promptCacheError(`${file} was made with other weights`, 'make a new one with this model');
  } catch (error) {
    state.disposed = true; // what is held is disposed, not given back
    throw error;
  } finally {
    release(held);
    await source.close();
  }
  return makePromptCache(state);
}
