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

/** Checks the rows against the context and says how many new tokens there may be. */
export function checkLength(rows: readonly number[][], maxNewTokens: number | undefined, context: number): number {
  const longest = Math.max(...rows.map((row) => row.length));
  const room = context - longest + 1; // the last new token is never fed back, so it needs no position
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
  return maxNewTokens ?? Math.min(128, room);
}
