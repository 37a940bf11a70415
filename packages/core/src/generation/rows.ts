import type { DecodeStream, Tokenizer } from '@tesserae/tokenizer';
import { tesseraeError } from '@tesserae/registry';
import { createKey, foldIn, uniform } from '../random/index';
import type { Key } from '../model/types';
import type { GenerationPlan } from './options';
import { argmax, sample } from './sample';
import { watchForStops } from './stop-strings';
import type { StopWatch } from './stop-strings';

/** Why a row ended. */
export type FinishReason = 'length' | 'stop-token' | 'stop-string';

/** One new token. */
export interface GeneratedToken {
  /** Which prompt it continues, from 0. */
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

/** Starts a row. Its randomness depends on the seed and its number alone, so not on the rows beside it. */
export function startRow(
  row: number,
  prompt: readonly number[],
  plan: GenerationPlan,
  maxNewTokens: number,
  tokenizer: Tokenizer | undefined,
): Row {
  const ids = [...prompt];
  const stream = startDecoding(tokenizer, prompt);
  const watch = watcherOf(plan, tokenizer);
  const key: Key = foldIn(createKey(plan.seed), row);
  let finished: FinishReason | undefined;

  const choose = (logits: Float32Array, index: number): number => {
    for (const processor of plan.processors) processor(logits, { ids });
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

  return {
    ids,
    get finished() {
      return finished;
    },
    next(logits) {
      const index = ids.length - prompt.length;
      const raw = plan.logits ? logits.slice() : undefined;
      const id = choose(logits, index);
      const text = textOf(id, index);
      ids.push(id);
      return { row, index, id, text, ...(finished && { finished }), ...(raw && { logits: raw }) };
    },
  };
}
