import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { KeyValueCache, Model } from '../model/types';
import { disposeKeyValueCache } from '../nn/keyValueCache';
import { positionLimitOf, readPrompt } from './prompt';
import type { PromptCache } from './prompt-cache-type';
import { openSession, release } from './session';
import type { Held } from './session';

/** What a prompt cache holds. */
export interface PromptCacheState {
  readonly model: Model;
  ids: number[];
  /** Absent when it holds no token. */
  keyValues: KeyValueCache | undefined;
  /** While a generation has the tensors. */
  inUse: boolean;
  disposed: boolean;
}

const stateSymbol: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.promptCache');

/** Wraps a state. */
export function makePromptCache(state: PromptCacheState): PromptCache {
  const cache = {
    get ids(): readonly number[] {
      return state.ids;
    },
  };
  return Object.defineProperty(cache, stateSymbol, { value: state });
}

/** An error about a prompt cache. */
export function promptCacheError(message: string, fix: string, cause?: unknown): Error {
  const code = 'E_PROMPT_CACHE';
  return tesseraeError({ package: 'core', code, message, fix, ...(cause !== undefined && { cause }) });
}

/** The state of a prompt cache that may be used now. */
export function promptCacheState(cache: PromptCache): PromptCacheState {
  const state = (cache as { [stateSymbol]?: PromptCacheState } | null | undefined)?.[stateSymbol];
  if (!state) throw promptCacheError('this is no prompt cache', 'make one with createPromptCache or loadPromptCache');
  if (state.disposed) throw promptCacheError('the prompt cache was disposed', 'make a new one, or dispose it later');
  if (state.inUse)
    throw promptCacheError(
      'the prompt cache is in use by a generation that has not ended',
      'end that one first (leave its loop, or call return()), or give each generation a fork: forkPromptCache(cache)',
    );
  return state;
}

/** What of a config keys and values depend on. */
const numbersOf = (config: Model['config']): string =>
  JSON.stringify(Object.entries(config).filter(([name]) => !name.endsWith('TokenId') && name !== 'attention'));

/** Refuses a cache of other weights, or of weights that were run another way. */
export function checkOwner({ model }: PromptCacheState, user: Model): void {
  const same =
    model.params === user.params &&
    model.architecture === user.architecture &&
    model.config.attention === user.config.attention &&
    (model.config === user.config || numbersOf(model.config) === numbersOf(user.config));
  if (same) return;
  throw promptCacheError(
    'the prompt cache was made by another model, or by this one with other weights or another config',
    'make one with this model: createPromptCache(model, prompt)',
  );
}

/** How many tokens two texts have in common at the beginning. */
export function commonPrefix(one: readonly number[], other: readonly number[]): number {
  const most = Math.min(one.length, other.length);
  for (let i = 0; i < most; i++) if (one[i] !== other[i]) return i;
  return most;
}

const cloned = ({ keys, values, length }: KeyValueCache): KeyValueCache => ({
  keys: keys.map((tensor) => tf.clone(tensor)),
  values: values.map((tensor) => tf.clone(tensor)),
  length: tf.clone(length),
});

/**
 * Hands the tensors to a generation, which gives them back when it ends. One that is `borrowed` works on copies, which
 * share memory until it writes, and leaves the cache as it is.
 */
export function takeKeyValues(state: PromptCacheState, borrowed: boolean, held: Held): KeyValueCache | undefined {
  if (borrowed) return (held.cache = state.keyValues && cloned(state.keyValues));
  held.cache = state.keyValues;
  held.ids = state.ids;
  state.inUse = true;
  state.keyValues = undefined;
  state.ids = [];
  held.giveBack = (cache, ids) => {
    state.inUse = false;
    const whole = cache && [...cache.keys, ...cache.values, cache.length].every((tensor) => !tensor.isDisposed);
    if (whole && ids.length > 0 && !state.disposed) {
      state.keyValues = cache;
      state.ids = [...ids];
    } else if (cache) disposeKeyValueCache(cache);
  };
  return held.cache;
}

/**
 * Lets a model read a text, to go on from it later, once or many times.
 *
 * A cache holds one text and is changed by the generations that use it (`generate(model, prompt, { cache })`): each keeps
 * the longest common beginning, reads what is new in the prompt and leaves prompt and answer in the cache. A generation
 * that was cancelled in the middle of a step leaves it empty. `forkPromptCache` gives a second one that is not changed.
 *
 * @param model a decoder-only model; it is not changed
 * @param prompt a text or token ids; without one the cache is empty and the first generation fills it
 * @param options `signal` cancels
 * @returns the cache; its tensors belong to the caller (`disposePromptCache`)
 * @throws E_PROMPT_CACHE for an encoder-decoder; E_EMPTY_PROMPT, E_TOKEN_RANGE, E_NO_TOKENIZER, E_CONTEXT_LENGTH for the prompt
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, createPromptCache, disposePromptCache, generateAll, gpt2 } from '@tesserae/core';
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const cache = await createPromptCache(model, [1, 2, 3]);
 * await generateAll(model, [1, 2, 3, 4], { cache, maxNewTokens: 3, stopTokens: [] }); // reads the 4 alone
 * console.log(cache.ids.length); // → 6
 * disposePromptCache(cache);
 * ```
 */
export async function createPromptCache<C>(
  model: Model<C>,
  prompt?: string | ArrayLike<number>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PromptCache> {
  const known = model as unknown as Model;
  if (known.architecture.encode)
    throw promptCacheError(
      `${known.architecture.name} has an encoder, whose text is read as a whole`,
      'use a decoder-only model',
    );
  const state: PromptCacheState = { model: known, ids: [], keyValues: undefined, inUse: false, disposed: false };
  if (prompt === undefined) return makePromptCache(state);
  const [ids] = readPrompt(known, prompt);
  const limit = positionLimitOf(known);
  if (ids.length > limit) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CONTEXT_LENGTH',
      message: `a prompt of ${ids.length} tokens is more than the model's context of ${limit} positions`,
      fix: `shorten the prompt to at most ${limit} tokens`,
    });
  }
  const held: Held = {};
  try {
    takeKeyValues(state, false, held);
    const session = openSession(
      { model: known, prompts: [ids], maxNewTokens: 1, prefix: { length: 0 }, signal: options.signal },
      held,
    );
    await session.prefill();
  } finally {
    release(held);
  }
  return makePromptCache(state);
}

/**
 * Makes a second cache of the same text. The two share memory until one of them goes on, and nothing that can be seen.
 *
 * @param cache any prompt cache
 * @returns another; its tensors belong to the caller
 * @throws E_PROMPT_CACHE when the cache was disposed or a generation is using it
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, createPromptCache, forkPromptCache, generateAll, gpt2 } from '@tesserae/core';
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const cache = await createPromptCache(model, [1, 2, 3]);
 * await generateAll(model, [1, 2, 3, 4], { cache: forkPromptCache(cache), maxNewTokens: 3, stopTokens: [] });
 * console.log(cache.ids); // → [ 1, 2, 3 ]
 * ```
 */
export function forkPromptCache(cache: PromptCache): PromptCache {
  const { model, ids, keyValues } = promptCacheState(cache);
  const copy = keyValues && cloned(keyValues);
  return makePromptCache({ model, ids: [...ids], keyValues: copy, inUse: false, disposed: false });
}

/**
 * Disposes the tensors of a prompt cache. One that a generation is using is disposed when that ends.
 *
 * @param cache the cache; not to be used afterwards
 * @throws E_PROMPT_CACHE when it is no prompt cache
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, createPromptCache, disposePromptCache, gpt2 } from '@tesserae/core';
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * disposePromptCache(await createPromptCache(createModel(gpt2, config, { seed: 1 }), [1, 2, 3]));
 * ```
 */
export function disposePromptCache(cache: PromptCache): void {
  const state = (cache as { [stateSymbol]?: PromptCacheState } | null | undefined)?.[stateSymbol];
  if (!state) throw promptCacheError('this is no prompt cache', 'give what createPromptCache returned');
  state.disposed = true;
  state.ids = [];
  if (state.keyValues) disposeKeyValueCache(state.keyValues);
  state.keyValues = undefined;
}
