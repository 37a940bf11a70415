import type { Model } from '@tesserae/core';
import { badRows, learnersTokenizer } from './objective-errors';

/** A text of a decoder, and how many of its ids were given. */
export interface PromptRow {
  readonly ids: readonly number[];
  readonly prompt: number;
}

/**
 * A prompt and what follows it as one row, with the end-of-sequence token where the config has one.
 *
 * @throws E_OBJECTIVE_DATA when they are no texts, or the prompt leaves no place
 */
export function encodePrompt(
  objective: string,
  model: Model,
  { prompt, answer, index }: { readonly prompt: unknown; readonly answer: unknown; readonly index: number },
  longest: number,
): PromptRow {
  if (typeof prompt !== 'string' || typeof answer !== 'string')
    throw badRows(objective, `row ${index} is no prompt with a completion`, 'give { prompt, completion }');
  const tokenizer = learnersTokenizer(objective, model);
  const { eosTokenId } = model.config;
  const end = typeof eosTokenId === 'number' ? eosTokenId : eosTokenId?.[0];
  const before = Array.from(tokenizer.encode(prompt));
  const after = Array.from(tokenizer.encode(answer, { addSpecialTokens: false }));
  const ids = [...before, ...after, ...(end === undefined ? [] : [end])].slice(0, longest + 1);
  if (before.length > 0 && ids.length > before.length) return { ids, prompt: before.length };
  throw badRows(
    objective,
    `row ${index} has ${before.length} tokens of prompt and leaves no place for its completion`,
    `give prompts of 1 to ${longest} tokens, and completions`,
  );
}

/** What the decoder is given, and what it has to say: the prompt does not count. */
export const rowOfPrompt = ({ ids, prompt }: PromptRow): { inputIds: number[]; labels: number[] } => ({
  inputIds: ids.slice(0, -1),
  labels: ids.slice(1).map((id, i) => (i + 1 >= prompt ? id : -100)),
});
