import * as tf from '@tensorflow/tfjs-core';
import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { ArchitectureConfig, KeyValueCache, Model } from '../model/types';
import { createKeyValueCache, disposeKeyValueCache } from '../nn/keyValueCache';
import { planGeneration } from './options';
import type { GenerateOptions, GenerationPlan } from './options';
import { programsFor } from './programs';
import type { GenerationPrograms } from './programs';
import { checkLength, readPrompt } from './prompt';
import type { Prompt } from './prompt';
import { startRow } from './rows';
import type { FinishReason, GeneratedToken, Row } from './rows';

/** Tokens as they come. Leaving a `for await` early, or letting go of it, frees what it holds. */
export interface Generation extends AsyncIterableIterator<GeneratedToken> {
  [Symbol.asyncIterator](): Generation;
}

/** A finished row. */
export interface GeneratedSequence {
  readonly promptIds: number[];
  /** The new tokens, with the stop token if one came. */
  readonly ids: number[];
  readonly text: string;
  readonly finished: FinishReason;
  /** The raw logits of each new token, [V] each, when asked for. */
  readonly logits?: Float32Array[];
}

/** What lives as long as a generation runs, held where a finalizer can find it. */
interface Held {
  cache: KeyValueCache | undefined;
  attentionMask: tf.Tensor | undefined;
}

/** Where a batch stands: B rows padded on the left to T slots of M. */
interface Layout {
  readonly slots: number;
  readonly capacity: number;
  /** Padding of each row. */
  readonly padding: readonly number[];
}

const canTrace = (): boolean => Symbol.for('tesserae.compile') in tf.backend();

/** Rounds up so that lengths near each other share one compiled program, at most an eighth more than asked. */
export function roundUp(length: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(length)) - 3));
  return Math.ceil(length / step) * step;
}

function layOut(rows: readonly Row[], maxNewTokens: number, context: number): Layout {
  const longest = Math.max(...rows.map((row) => row.ids.length));
  const slots = canTrace() ? Math.min(roundUp(longest), context) : longest;
  const needed = slots + maxNewTokens - 1;
  const capacity = canTrace() ? roundUp(needed) : needed;
  return { slots, capacity, padding: rows.map((row) => slots - row.ids.length) };
}

function maskOf({ padding, capacity }: Layout): tf.Tensor | undefined {
  if (padding.every((count) => count === 0)) return undefined;
  const mask = new Int32Array(padding.length * capacity).fill(1);
  padding.forEach((count, row) => mask.fill(0, row * capacity, row * capacity + count));
  return tf.tensor2d(mask, [padding.length, capacity], 'int32'); // [B, M]
}

function emptyCache(config: ArchitectureConfig, batch: number, capacity: number): KeyValueCache {
  const heads = config.numKeyValueHeads ?? config.numAttentionHeads;
  const headDim = config.headDim ?? config.hiddenSize / config.numAttentionHeads;
  return createKeyValueCache(config.numHiddenLayers, { batch, heads, capacity, headDim }); // [B, K, M, E] each
}

/** Runs one pass on the cache that is held, and puts the new one in its place. */
async function runStep(
  program: GenerationPrograms['prefill'],
  model: Model,
  held: Held,
  ids: Int32Array,
  positions: Int32Array,
  batch: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const shape: [number, number] = [batch, ids.length / batch];
  const inputIds = tf.tensor2d(ids, shape, 'int32'); // [B, T]
  const positionIds = tf.tensor2d(positions, shape, 'int32'); // [B, T]
  const { attentionMask } = held;
  const inputs = { inputIds, positionIds, ...(attentionMask && { attentionMask }) };
  let logits: tf.Tensor | undefined;
  try {
    const output = await program.runAsyncWith({ signal }, model.params, inputs, held.cache!);
    logits = output.logits;
    held.cache = output.cache;
    return (await logits.data()) as Float32Array; // [B, V]
  } finally {
    tf.dispose([inputIds, positionIds]);
    logits?.dispose();
  }
}

function prefillInputs(rows: readonly Row[], { slots, padding }: Layout): { ids: Int32Array; positions: Int32Array } {
  const ids = new Int32Array(rows.length * slots);
  const positions = new Int32Array(ids.length); // from the first token that is no padding
  rows.forEach((row, i) => {
    ids.set(row.ids, i * slots + padding[i]);
    for (let t = padding[i]; t < slots; t++) positions[i * slots + t] = t - padding[i];
  });
  return { ids, positions };
}

const release = (held: Held): void => {
  if (held.cache) disposeKeyValueCache(held.cache);
  held.cache = undefined;
  if (held.attentionMask && !held.attentionMask.isDisposed) held.attentionMask.dispose();
  held.attentionMask = undefined;
};

/** Lets timers and signals have their turn between tokens, also where a backend computes at once. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

async function* run(model: Model, rows: readonly Row[], plan: GenerationPlan, maxNewTokens: number, held: Held) {
  const layout = layOut(rows, maxNewTokens, model.config.maxPositionEmbeddings);
  const batch = rows.length;
  const programs = programsFor(model);
  try {
    held.attentionMask = maskOf(layout);
    held.cache = emptyCache(model.config, batch, layout.capacity);
    const first = prefillInputs(rows, layout);
    let logits = await runStep(programs.prefill, model, held, first.ids, first.positions, batch, plan.signal);
    for (;;) {
      const vocabulary = logits.length / batch;
      const tokens: GeneratedToken[] = [];
      rows.forEach((row, i) => {
        if (!row.finished) tokens.push(row.next(logits.slice(i * vocabulary, (i + 1) * vocabulary)));
      });
      yield* tokens;
      if (rows.every((row) => row.finished)) return;
      await turn();
      plan.signal?.throwIfAborted();
      const ids = Int32Array.from(rows, (row) => row.ids[row.ids.length - 1]); // a finished row's last, to no effect
      const positions = Int32Array.from(rows, (row) => row.ids.length - 1);
      logits = await runStep(programs.decode, model, held, ids, positions, batch, plan.signal);
    }
  } catch (error) {
    throw plan.signal?.aborted ? aborted(plan.signal.reason) : error;
  } finally {
    release(held);
  }
}

const aborted = (cause: unknown): unknown =>
  isTesseraeError(cause)
    ? cause
    : tesseraeError({
        package: 'core',
        code: 'E_ABORTED',
        message: 'generation was cancelled by its signal',
        fix: 'nothing is wrong; start again when you like',
        cause,
      });

let abandoned: FinalizationRegistry<Held> | undefined;

/**
 * Continues a prompt, token by token.
 *
 * The prompt runs through the model once (prefill), then one token at a time (decode), each as one compiled program that
 * updates a preallocated key-value cache in place. Several prompts run side by side, padded on the left, each numbering
 * its positions from its own first token; their tokens come interleaved, told apart by `row`.
 *
 * @param model the model; it is not changed
 * @param prompt a text, token ids, or a list of these
 * @param options how to choose and when to stop
 * @returns an async iterator of tokens with the text that each makes certain
 * @throws E_UNKNOWN_OPTION, E_GENERATION_OPTION for options, E_EMPTY_PROMPT, E_TOKEN_RANGE, E_NO_TOKENIZER for the prompt,
 *   E_CONTEXT_LENGTH when prompt and new tokens exceed the model's positions; while running E_ABORTED, E_NO_TOKEN
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, generate, gpt2 } from '@tesserae/core';
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const ids: number[] = [];
 * for await (const token of generate(model, [1, 2, 3], { maxNewTokens: 4, temperature: 0.8, seed: 7, stopTokens: [] })) {
 *   ids.push(token.id);
 * }
 * console.log(ids.length); // → 4
 * ```
 */
export function generate<C>(model: Model<C>, prompt: Prompt, options: GenerateOptions = {}): Generation {
  const known = model as unknown as Model;
  const plan = planGeneration(options, known.config);
  const prompts = readPrompt(known, prompt);
  const maxNewTokens = checkLength(prompts, plan.maxNewTokens, known.config.maxPositionEmbeddings);
  const rows = prompts.map((ids, row) => startRow(row, ids, plan, maxNewTokens, model.tokenizer));
  const held: Held = { cache: undefined, attentionMask: undefined };
  const tokens = run(known, rows, plan, maxNewTokens, held);
  const generation: Generation = {
    next: () => tokens.next(),
    return: () => tokens.return(undefined),
    throw: (error: unknown) => tokens.throw(error),
    [Symbol.asyncIterator]: () => generation,
  };
  abandoned ??= new FinalizationRegistry(release); // for an iterator that is dropped without being closed
  abandoned.register(generation, held);
  return generation;
}

/**
 * Continues prompts to their end.
 *
 * @param model the model; it is not changed
 * @param prompt a text, token ids, or a list of these
 * @param options as for {@link generate}
 * @returns one sequence a prompt
 * @throws as {@link generate}
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, generateAll, gpt2 } from '@tesserae/core';
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const [one, two] = await generateAll(model, [[1, 2, 3], [4]], { maxNewTokens: 4, stopTokens: [] });
 * console.log(one.ids.length, two.finished); // → 4 length
 * ```
 */
export async function generateAll<C>(
  model: Model<C>,
  prompt: Prompt,
  options: GenerateOptions = {},
): Promise<GeneratedSequence[]> {
  const tokens: GeneratedToken[][] = readPrompt(model as unknown as Model, prompt).map(() => []);
  for await (const token of generate(model, prompt, options)) tokens[token.row].push(token);
  return readPrompt(model as unknown as Model, prompt).map((promptIds, row) => ({
    promptIds,
    ids: tokens[row].map(({ id }) => id),
    text: tokens[row].map(({ text }) => text).join(''),
    finished: tokens[row][tokens[row].length - 1].finished!,
    ...(options.logits && { logits: tokens[row].map(({ logits }) => logits!) }),
  }));
}

/**
 * Continues a text.
 *
 * @param model a model with a tokenizer; it is not changed
 * @param prompt the text
 * @param options as for {@link generate}
 * @returns the new text alone
 * @throws as {@link generate}
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, generateText, gpt2 } from '@tesserae/core';
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * const tokenizer = trainCharacterTokenizer('hello world');
 * const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1, tokenizer });
 * const text = await generateText(model, 'hell', { maxNewTokens: 5, temperature: 1, stopTokens: [] });
 * console.log(typeof text); // → string
 * ```
 */
export async function generateText<C>(model: Model<C>, prompt: string, options: GenerateOptions = {}): Promise<string> {
  let text = '';
  for await (const token of generate(model, prompt, options)) text += token.text;
  return text;
}
