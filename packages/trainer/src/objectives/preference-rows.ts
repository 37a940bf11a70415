import type { Model } from '@tesserae/core';
import type { ChatMessage, ChatTemplate } from '@tesserae/tokenizer';
import { encodeConversation } from './conversation-row';
import { badRows } from './objective-errors';
import { encodePrompt, rowOfPrompt } from './prompt-row';

/** A prompt with two answers, of which one is preferred. */
export interface PreferencePair {
  /** A text, or the conversation so far, which is written by the chat template. */
  readonly prompt: string | readonly ChatMessage[];
  /** The better answer; after a conversation what the assistant says. */
  readonly chosen: string;
  readonly rejected: string;
}

/** What a decoder is given, and what it has to say; -100 does not count. */
export interface AnswerRow {
  readonly inputIds: readonly number[];
  readonly labels: readonly number[];
}

/** Both answers of a pair. */
export interface PreferenceRows {
  readonly chosen: AnswerRow;
  readonly rejected: AnswerRow;
}

/**
 * The two rows of a pair of answers.
 *
 * @throws E_OBJECTIVE_DATA for what is no pair, or has the same answer twice
 */
export function readPreferences(
  objective: string,
  model: Model,
  pair: unknown,
  index: number,
  longest: number,
  chatTemplate: ChatTemplate | undefined,
): PreferenceRows {
  const { prompt, chosen, rejected } = (pair ?? {}) as Partial<PreferencePair>;
  if (typeof chosen !== 'string' || typeof rejected !== 'string' || prompt === undefined)
    throw badRows(objective, `row ${index} has no prompt with two answers`, 'give { prompt, chosen, rejected }');
  const read = (answer: string): AnswerRow => {
    if (!Array.isArray(prompt)) return rowOfPrompt(encodePrompt(objective, model, { prompt, answer, index }, longest));
    const messages = [...(prompt as ChatMessage[]), { role: 'assistant', content: answer }];
    const row = { messages, index, turns: 'last', chatTemplate } as const;
    const { ids, labels } = encodeConversation(objective, model, row, longest);
    return { inputIds: ids.slice(0, -1), labels: labels.slice(1) };
  };
  const rows = { chosen: read(chosen), rejected: read(rejected) };
  const told = ({ inputIds, labels }: AnswerRow): string => `${inputIds.join()} ${labels.join()}`;
  if (told(rows.chosen) !== told(rows.rejected)) return rows;
  throw badRows(
    objective,
    `the two answers of row ${index} are the same${chosen === rejected ? '' : ` within ${longest} tokens`}`,
    'leave such pairs out, or use a longer contextLength',
  );
}
