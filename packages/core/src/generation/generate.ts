import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import type { Model } from '../model/types';
import { beamSetting, searchBeams } from './beams';
import type { TokenLogprobs } from './logprobs';
import type { GenerateOptions } from './options';
import { createPipeline } from './pipeline';
import { planGeneration, withDefaults } from './plan';
import type { GenerationPlan } from './plan';
import { refuseOption } from './processors/processor';
import type { LogitsProcessor } from './processors/processor';
import { checkEncoderLength, checkGenerative, checkLength, decoderStart, positionLimitOf, readPrompt } from './prompt';
import type { Prompt } from './prompt';
import { checkOwner, commonPrefix, promptCacheError, promptCacheState, takeKeyValues } from './prompt-cache';
import type { PromptCache } from './prompt-cache-type';
import { holdsStop, rowKey, startRow } from './rows';
import type { FinishReason, GeneratedToken, Row } from './rows';
import { openSession, release, withVirtualIds } from './session';
import type { Held, Session, SessionInputs } from './session';
import { streamOf, withAttention } from './stream';

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
  /** Where beams were searched: Σ ln p / lengthᵖ of the new tokens. */
  readonly score?: number;
  /** Log-probabilities of each new token, when asked for. */
  readonly logprobs?: TokenLogprobs[];
}

/** Lets timers and signals have their turn between tokens, also where a backend computes at once. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });

/** One generation: its prompts, and `numReturnSequences` rows for each. */
interface Job {
  readonly model: Model;
  readonly prompts: readonly (readonly number[])[];
  readonly encoderPrompts?: readonly (readonly number[])[] | undefined;
  readonly rows: readonly Row[];
  readonly plan: GenerationPlan;
  readonly processors: readonly LogitsProcessor[];
  readonly maxNewTokens: number;
}

/** Beam search gives its tokens when it is done, row by row. */
async function* runBeams(session: Session, job: Job): AsyncGenerator<GeneratedToken> {
  const { rows, prompts, encoderPrompts, plan, processors, maxNewTokens, model } = job;
  const keys = prompts.map((_, at) => rowKey(plan, at * plan.numReturnSequences));
  const found = await searchBeams(
    session,
    {
      prompts: prompts.map((ids, at) => ({ ids, key: keys[at], encoderIds: encoderPrompts?.[at] })),
      plan,
      processors,
      setting: beamSetting(plan, maxNewTokens),
      hitsStop: plan.stops.length > 0 ? (at, ids) => holdsStop(plan, model.tokenizer, prompts[at], ids) : undefined,
    },
    async () => {
      await turn();
      plan.signal?.throwIfAborted();
    },
  );
  for (const [at, { tokens, score }] of found.flat().entries()) {
    for (const [index, { id, from }] of tokens.entries()) {
      const token = rows[at].accept(id, from?.raw, from?.processed);
      yield index === tokens.length - 1 ? { ...token, score } : token;
    }
  }
}

async function* runRows(session: Session, { rows, prompts, plan }: Job): AsyncGenerator<GeneratedToken> {
  const each = rows.length / prompts.length;
  let logits = await session.prefill(); // [B, V]
  const vocabulary = logits.length / prompts.length;
  let parents = each > 1 ? Int32Array.from(rows, (_, i) => Math.floor(i / each)) : undefined;
  for (let steps = 0; ;) {
    const tokens: GeneratedToken[] = [];
    rows.forEach((row, i) => {
      if (row.finished) return;
      const from = (parents ? parents[i] : i) * vocabulary;
      const own = logits.subarray(from, from + vocabulary); // processors write into it
      tokens.push(row.next(parents ? own.slice() : own));
    });
    yield* tokens;
    if (rows.every((row) => row.finished)) return;
    await turn();
    plan.signal?.throwIfAborted();
    const ids = Int32Array.from(rows, (row) => row.ids[row.ids.length - 1]); // a finished row's last, to no effect
    // a finished row goes on counting: rotations that change with the longest text count it in, as in transformers
    const positions = Int32Array.from(rows, (_, i) => prompts[Math.floor(i / each)].length + steps);
    steps++;
    logits = await session.step(ids, positions, parents); // [R, V]
    parents = undefined;
  }
}

/** What a prompt cache has read already of the prompt. Several rows work on a copy of it. */
function prefixOf({ model, prompts, rows, plan }: Job, held: Held): Pick<SessionInputs, 'prefix'> {
  const { cache } = plan.options;
  if (!cache) return {};
  const state = promptCacheState(cache);
  checkOwner(state, model);
  const length = commonPrefix(state.ids, withVirtualIds(model, prompts[0]));
  return { prefix: { length, cache: takeKeyValues(state, rows.length > 1 || plan.numBeams > 1, held) } };
}

async function* run(job: Job, held: Held): AsyncGenerator<GeneratedToken> {
  const { plan } = job;
  try {
    const session = openSession({ ...job, signal: plan.signal, ...prefixOf(job, held) }, held);
    yield* plan.numBeams > 1 ? runBeams(session, job) : runRows(session, job);
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

/** What the decoder begins with, and what the encoder reads where there is one. */
function readTexts(model: Model, prompt: Prompt, options: GenerateOptions): Pick<Job, 'prompts' | 'encoderPrompts'> {
  checkGenerative(model);
  const texts = readPrompt(model, prompt);
  if (!model.architecture.encode) return { prompts: texts };
  checkEncoderLength(texts, positionLimitOf(model));
  const start = decoderStart(model, options.decoderStartTokenId);
  return { prompts: texts.map(() => start), encoderPrompts: texts };
}

/** Checks that a prompt cache can be used for this. */
function checkCache(cache: PromptCache, model: Model, prompts: number): void {
  if (streamOf(model))
    throw promptCacheError('a stream forgets what it has read', 'leave it out, or set attention to null');
  if (model.architecture.encode)
    throw promptCacheError(`${model.architecture.name} has an encoder, whose text is read as a whole`, 'leave it out');
  checkOwner(promptCacheState(cache), model);
  if (prompts !== 1)
    throw promptCacheError(
      `a prompt cache holds one text, and there are ${prompts} prompts`,
      'generate from one prompt, with numReturnSequences for several answers; or give each call a fork',
    );
}

/** Checks everything, and starts the rows. */
function prepare(known: Model, prompt: Prompt, given: GenerateOptions): Job {
  const model = withAttention(known, given.attention);
  const plan = planGeneration(withDefaults(given, model.generation), model.config);
  const { options, seed, sampling, numBeams, numReturnSequences: each } = plan;
  const { prompts, encoderPrompts } = readTexts(model, prompt, options);
  const maxNewTokens = checkLength(prompts, plan.options, positionLimitOf(model));
  if (typeof seed !== 'number' && seed.length !== prompts.length)
    refuseOption(
      'seed',
      `a list of ${seed.length}`,
      `one for each of the ${prompts.length} prompts, or a single number`,
    );
  if (options.cache) checkCache(options.cache, model, prompts.length);
  const stopTokens = [...plan.stopTokens];
  const minTokensToKeep = numBeams > 1 ? 1 + Math.max(1, stopTokens.length) : 1; // one must go on
  const processors = createPipeline(options, { sampling, stopTokens, maxNewTokens, minTokensToKeep });
  if (numBeams > 1) beamSetting(plan, maxNewTokens);
  const rows = Array.from({ length: prompts.length * each }, (_, row) => {
    const at = Math.floor(row / each);
    const start = { row, key: rowKey(plan, row), prompt: prompts[at], encoderIds: encoderPrompts?.[at] };
    return startRow(start, plan, processors, maxNewTokens, model.tokenizer);
  });
  return { model, prompts, encoderPrompts, rows, plan, processors, maxNewTokens };
}

let abandoned: FinalizationRegistry<Held> | undefined;

/**
 * Continues a prompt, token by token.
 *
 * Of an encoder-decoder the prompt is the encoder's text: it is encoded once, with the keys and values that the decoder
 * reads at every step, and the decoder begins with `decoderStartTokenId`.
 *
 * The prompt runs through the model once (prefill), then one token at a time (decode), each as one compiled program that
 * updates a preallocated key-value cache in place. Several prompts run side by side, padded on the left, each numbering
 * its positions from its own first token; their tokens come interleaved, told apart by `row`. With `numBeams` above 1 the
 * tokens come when the search is done, row by row, the best first.
 *
 * @param model the model; it is not changed
 * @param prompt a text, token ids, or a list of these
 * @param options how to choose and when to stop
 * @returns an async iterator of tokens with the text that each makes certain
 * @throws E_UNKNOWN_OPTION, E_GENERATION_OPTION for options, E_EMPTY_PROMPT, E_TOKEN_RANGE, E_NO_TOKENIZER for the prompt,
 *   E_NOT_GENERATIVE for a model without a language head, E_CONTEXT_LENGTH when prompt and new
 *   tokens exceed the model's positions, E_PROMPT_CACHE for a cache that cannot be used; while running E_ABORTED, E_NO_TOKEN
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
  const job = prepare(model as unknown as Model, prompt, options);
  const held: Held = {};
  const tokens = run(job, held);
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
 * @returns the prompts' sequences in order, `numReturnSequences` for each
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
  const known = model as unknown as Model;
  const each = planGeneration(withDefaults(options, known.generation), known.config).numReturnSequences;
  const prompts = readPrompt(known, prompt);
  const tokens: GeneratedToken[][] = prompts.flatMap(() => Array.from({ length: each }, () => []));
  for await (const token of generate(model, prompts, options)) tokens[token.row].push(token);
  return tokens.map((row, index) => ({
    promptIds: prompts[Math.floor(index / each)],
    ids: row.map(({ id }) => id),
    text: row.map(({ text }) => text).join(''),
    finished: row[row.length - 1].finished!,
    ...(row[0].logits && { logits: row.map(({ logits }) => logits!) }),
    ...(row[row.length - 1].score !== undefined && { score: row[row.length - 1].score! }),
    ...(row[0].logprobs && { logprobs: row.map(({ logprobs }) => logprobs!) }),
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
