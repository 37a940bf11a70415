import { tesseraeError } from '@tesserae/registry';
import type { Model } from '../model/types';
import { refuseOption } from './processors/processor';

/** What to continue: a text, ids, or several of them at once. */
export type Prompt = string | ArrayLike<number> | readonly (string | ArrayLike<number>)[];

const isRow = (value: unknown): value is string | ArrayLike<number> =>
  typeof value === 'string' || ArrayBuffer.isView(value) || (Array.isArray(value) && typeof value[0] === 'number');

function tokenize(model: Model, text: string): ArrayLike<number> {
  if (model.tokenizer) return model.tokenizer.encode(text);
  throw tesseraeError({
    package: 'core',
    code: 'E_NO_TOKENIZER',
    message: 'the prompt is text, and the model has no tokenizer',
    fix: 'give token ids, or a model with a tokenizer: { ...model, tokenizer }',
  });
}

function toIds(model: Model, prompt: string | ArrayLike<number>): number[] {
  const ids = Array.from(typeof prompt === 'string' ? tokenize(model, prompt) : prompt);
  if (ids.length === 0) {
    throw tesseraeError({
      package: 'core',
      code: 'E_EMPTY_PROMPT',
      message: 'the prompt holds no token',
      fix: 'give at least one token, such as the model’s begin-of-text token',
    });
  }
  const { vocabSize } = model.config;
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (wrong !== undefined) {
    throw tesseraeError({
      package: 'core',
      code: 'E_TOKEN_RANGE',
      message: `the prompt holds the id ${wrong}; the model knows 0 to ${vocabSize - 1}`,
      fix: 'encode the text with the tokenizer that belongs to the model',
    });
  }
  return ids;
}

/** The prompt as rows of ids; rows may differ in length. */
export function readPrompt(model: Model, prompt: Prompt): number[][] {
  if (isRow(prompt)) return [toIds(model, prompt)];
  if (!Array.isArray(prompt)) refuseOption('prompt', typeof prompt, 'a text, token ids, or a list of these');
  const rows = prompt as readonly (string | ArrayLike<number>)[];
  if (rows.length === 0) return [toIds(model, [])];
  return rows.map((row) =>
    isRow(row) || Array.isArray(row) ? toIds(model, row) : refuseOption('prompt', typeof row, 'texts or token ids'),
  );
}

/** How many positions a text may have. */
export const positionLimitOf = ({ architecture, config }: Model): number =>
  architecture.endless === true && config.attention?.stream
    ? Infinity
    : (architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings);

/** What the new tokens of a call may be: a number of them, or of all tokens together. */
export interface Lengths {
  readonly maxNewTokens?: number | undefined;
  readonly maxLength?: number | undefined;
}

/** Checks the rows against the context and says how many new tokens there may be. */
export function checkLength(rows: readonly (readonly number[])[], lengths: Lengths, context: number): number {
  const longest = Math.max(...rows.map((row) => row.length));
  const room = context - longest + 1; // the last new token is never fed back, so it needs no position
  const { maxNewTokens, maxLength } = lengths;
  if (room < 1 || (maxNewTokens !== undefined && maxNewTokens > room)) {
    const asked = maxNewTokens === undefined ? '' : ` and ${maxNewTokens} new tokens`;
    throw tesseraeError({
      package: 'core',
      code: 'E_CONTEXT_LENGTH',
      message: `a prompt of ${longest} tokens${asked} is more than the model's context of ${context} positions`,
      fix: room < 1 ? `shorten the prompt to at most ${context} tokens` : `ask for at most ${room} new tokens`,
      details: { longest, context },
    });
  }
  if (maxNewTokens !== undefined) return maxNewTokens;
  if (maxLength === undefined) return Math.min(128, room);
  if (maxLength <= longest)
    refuseOption('maxLength', maxLength, `more than the prompt's ${longest} tokens, or maxNewTokens in its place`);
  return Math.min(maxLength - longest, room);
}

/** Checks that an encoder can take the rows. */
export function checkEncoderLength(rows: readonly (readonly number[])[], limit: number): void {
  const longest = Math.max(...rows.map((row) => row.length));
  if (longest <= limit) return;
  throw tesseraeError({
    package: 'core',
    code: 'E_CONTEXT_LENGTH',
    message: `a text of ${longest} tokens is more than the encoder's ${limit} positions`,
    fix: `shorten the text to at most ${limit} tokens`,
    details: { longest, context: limit },
  });
}

/** The ids that the decoder of an encoder-decoder begins with, the same for every row. */
export function decoderStart({ config }: Model, option: number | null | undefined): number[] {
  const start = option ?? config.decoderStartTokenId ?? config.bosTokenId;
  if (start === undefined || start === null)
    refuseOption('decoderStartTokenId', start, 'the token that the decoder begins with; the config names none');
  if (!Number.isInteger(start) || start < 0 || start >= config.vocabSize)
    refuseOption('decoderStartTokenId', start, `an id from 0 to ${config.vocabSize - 1}`);
  return [start];
}

/** Refuses models whose head gives no next token. */
export function checkGenerative({ architecture, config: { head } }: Model): void {
  if (head === undefined || head === 'causal-lm' || head === 'sequence-to-sequence') return;
  throw tesseraeError({
    package: 'core',
    code: 'E_NOT_GENERATIVE',
    message: `this ${architecture.name} has the head '${head}', which gives no next token`,
    fix: 'use a model with a language head: causal-lm or sequence-to-sequence',
  });
}
