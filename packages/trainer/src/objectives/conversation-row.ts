import type { Model } from '@tesserae/core';
import type { ChatMessage, ChatTemplate } from '@tesserae/tokenizer';
import { writeConversation } from './conversation';
import { badRows, learnersTokenizer } from './objective-errors';

/** A conversation that is to be a row. */
export interface ConversationRow {
  readonly messages: readonly ChatMessage[];
  readonly index: number;
  /** Which of the assistant's turns count. */
  readonly turns: 'all' | 'last';
  readonly chatTemplate?: ChatTemplate | undefined;
  readonly tools?: readonly object[] | undefined;
  readonly template?: string | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The ids of a conversation, and as labels those of them that the assistant says; the others are -100.
 *
 * @throws E_OBJECTIVE_DATA when it says nothing, or only after `longest` tokens; what the chat template throws
 */
export function encodeConversation(
  objective: string,
  model: Model,
  { messages, index, chatTemplate, ...how }: ConversationRow,
  longest: number,
): { ids: readonly number[]; labels: readonly number[] } {
  const tokenizer = learnersTokenizer(objective, model);
  const given = Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined));
  const { text, answers } = writeConversation(objective, index, chatTemplate ?? tokenizer, messages, {
    ...given,
    turns: how.turns,
  });
  if (answers.length === 0)
    throw badRows(objective, `the assistant says nothing in row ${index}`, 'leave such conversations out');
  const { ids, offsets } = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
  const said = Array.from(offsets, ([from, to]) =>
    answers.findIndex(([start, end]) => from >= start && to <= end && to > from),
  );
  const labels = Array.from(ids, (id, i) => (said[i] >= 0 ? id : -100));
  dropAfterEnd(labels, said, endsOf(model));
  const cut = longest + 1; // the last id is only a label
  if (labels.slice(1, cut).some((label) => label !== -100))
    return { ids: Array.from(ids).slice(0, cut), labels: labels.slice(0, cut) };
  throw badRows(
    objective,
    `the assistant's answers of row ${index} begin after ${longest} tokens`,
    'use a longer contextLength, or shorter conversations',
  );
}

/** What a template writes behind the token that ends an answer is not the assistant's. */
function dropAfterEnd(labels: number[], turns: readonly number[], ends: ReadonlySet<number>): void {
  for (let i = 1, ended = -1; i < labels.length; i++) {
    if (turns[i - 1] >= 0 && ends.has(labels[i - 1])) ended = turns[i - 1];
    if (turns[i] >= 0 && turns[i] === ended) labels[i] = -100;
  }
}

const endsOf = ({ config: { eosTokenId } }: Model): ReadonlySet<number> =>
  new Set(typeof eosTokenId === 'number' ? [eosTokenId] : (eosTokenId ?? []));
