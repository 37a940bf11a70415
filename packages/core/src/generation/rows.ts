import type { DecodeStream, Tokenizer } from '@tesserae/tokenizer';
import { tesseraeError } from '@tesserae/registry';
import { createKey, foldIn, uniform } from '../random/index';
import type { Key } from '../model/types';
import { logprobsOf } from './logprobs';
import type { TokenLogprobs } from './logprobs';
import type { GenerationPlan } from './plan';
import type { LogitsProcessor, ProcessorContext } from './processors/processor';
import { argmax, sample } from './sample';
import { watchForStops } from './stop-strings';
import type { StopWatch } from './stop-strings';

/** Why a row ended. */
export type FinishReason = 'length' | 'stop-token' | 'stop-string';

/** One new token. */
export interface GeneratedToken {
  /** Which row it belongs to, from 0: the prompts in their order, each `numReturnSequences` times. */
  readonly row: number;
  /** Which new token of the row it is, from 0. */
  readonly index: number;
  readonly id: number;
  /**
   * The text that is now certain: whole characters, nothing of a stop token or stop string. The pieces of a row joined
   * are its text. Empty without a tokenizer.
   */
  readonly text: string;
  /** Set on a row's last token. */
  readonly finished?: FinishReason;
  /** The raw logits that it was chosen from, [V], when asked for. */
  readonly logits?: Float32Array;
  /** Log-probabilities of the token and of the most likely ones, when asked for. */
  readonly logprobs?: TokenLogprobs;
  /** Set on a row's last token where beams were searched: Σ ln p / lengthᵖ of the whole row. */
  readonly score?: number;
}

/** Text starts mid-sentence: so many tokens of the prompt tell the decoder what came before. */
const DECODE_CONTEXT = 16;

/** One sequence that is being written. */
export interface Row {
  /** Prompt and new tokens. */
  readonly ids: number[];
  readonly finished: FinishReason | undefined;
  /** Chooses the next token from the logits, [V]. */
  next(logits: Float32Array): GeneratedToken;
  /** Takes a token that was chosen elsewhere, with the logits before and after the processors where they are asked for. */
  accept(id: number, raw?: Float32Array, processed?: Float32Array): GeneratedToken;
}

const isKnown = (tokenizer: Tokenizer, id: number): boolean => tokenizer.idToToken(id) !== undefined;

function startDecoding(tokenizer: Tokenizer | undefined, prompt: readonly number[]): DecodeStream | undefined {
  if (!tokenizer) return undefined;
  const stream = tokenizer.createDecodeStream({ skipSpecialTokens: true });
  for (const id of prompt.slice(-DECODE_CONTEXT)) if (isKnown(tokenizer, id)) stream.push(id);
  return stream;
}

function watcherOf(plan: GenerationPlan, tokenizer: Tokenizer | undefined): StopWatch {
  if (plan.stops.length > 0 && !tokenizer) {
    throw tesseraeError({
      package: 'core',
      code: 'E_NO_TOKENIZER',
      message: 'stop strings are given, and the model has no tokenizer',
      fix: 'give stopTokens, or a model with a tokenizer: { ...model, tokenizer }',
    });
  }
  return watchForStops(plan.stops);
}

/** What a row begins with. */
export interface RowStart {
  readonly row: number;
  /** Its randomness: of the seed and its number alone, so not of the rows beside it. */
  readonly key: Key;
  readonly prompt: readonly number[];
  /** The encoder's ids, for an encoder-decoder. */
  readonly encoderIds?: readonly number[] | undefined;
}

/** The key of a row: of its number, or with a seed for each prompt of its number within the prompt. */
export function rowKey({ seed, numReturnSequences }: GenerationPlan, row: number): Key {
  if (typeof seed === 'number') return foldIn(createKey(seed), row);
  return foldIn(createKey(seed[Math.floor(row / numReturnSequences)]), row % numReturnSequences);
}

/** Starts a row. */
export function startRow(
  { row, key, prompt, encoderIds }: RowStart,
  plan: GenerationPlan,
  processors: readonly LogitsProcessor[],
  maxNewTokens: number,
  tokenizer: Tokenizer | undefined,
): Row {
  const ids = [...prompt];
  const context: ProcessorContext = { ids, promptLength: prompt.length, encoderIds };
  const stream = startDecoding(tokenizer, prompt);
  const watch = watcherOf(plan, tokenizer);
  let finished: FinishReason | undefined;

  const choose = (logits: Float32Array, index: number): number => {
    for (const processor of processors) processor(logits, context);
    return plan.sampling ? sample(logits, uniform(foldIn(key, index), 1)[0]) : argmax(logits);
  };
  const textOf = (id: number, index: number): string => {
    if (plan.stopTokens.has(id)) finished = 'stop-token';
    else if (stream && isKnown(tokenizer!, id)) {
      const { text, stopped } = watch.push(stream.push(id));
      if (stopped) {
        finished = 'stop-string';
        return text;
      }
      if (index + 1 < maxNewTokens) return text;
      finished = 'length';
      return text + flush();
    } else if (index + 1 === maxNewTokens) finished = 'length';
    return finished ? flush() : '';
  };
  const flush = (): string => {
    const { text, stopped } = watch.push(stream?.end() ?? '');
    if (stopped) finished = 'stop-string';
    return stopped ? text : text + watch.end();
  };

  const accept = (id: number, raw?: Float32Array, processed?: Float32Array): GeneratedToken => {
    const index = ids.length - prompt.length;
    const text = textOf(id, index);
    const count = plan.logprobs;
    ids.push(id);
    return {
      ...{ row, index, id, text },
      ...(finished && { finished }),
      ...(plan.logits && { logits: raw! }),
      ...(count !== undefined && { logprobs: logprobsOf(id, raw!, processed!, count) }),
    };
  };

  return {
    ids,
    get finished() {
      return finished;
    },
    next(logits) {
      const raw = plan.logits || plan.logprobs !== undefined ? logits.slice() : undefined;
      return accept(choose(logits, ids.length - prompt.length), raw, logits);
    },
    accept,
  };
}

/** Whether new ids hold a stop string. */
export function holdsStop(
  { stops }: GenerationPlan,
  tokenizer: Tokenizer | undefined,
  prompt: readonly number[],
  ids: readonly number[],
): boolean {
  const stream = startDecoding(tokenizer, prompt)!;
  const known = ids.filter((id) => isKnown(tokenizer!, id));
  const text = known.map((id) => stream.push(id)).join('') + stream.end();
  return stops.some((stop) => text.includes(stop));
}
