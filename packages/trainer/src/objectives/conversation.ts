import { applyChatTemplate } from '@tesserae/tokenizer';
import type { ChatMessage, ChatTemplate, ChatTemplateOptions } from '@tesserae/tokenizer';
import { badRows } from './objective-errors';

/** A conversation as text, and where the assistant speaks: `[start, end)` of each of its turns. */
export interface WrittenConversation {
  readonly text: string;
  readonly answers: readonly (readonly [start: number, end: number])[];
}

/**
 * Writes a conversation by a chat template. An answer begins where the messages before it, with what begins an answer, end,
 * and ends where they end with it. A template that writes an answer otherwise once more follows cannot be learned from.
 *
 * @param turns whether all answers are looked for, or the last alone
 * @throws E_OBJECTIVE_DATA for such a template; what `applyChatTemplate` throws
 */
export function writeConversation(
  objective: string,
  index: number,
  source: ChatTemplate | { readonly chatTemplate?: ChatTemplate | undefined },
  messages: readonly ChatMessage[],
  { turns, ...options }: ChatTemplateOptions & { readonly turns: 'all' | 'last' },
): WrittenConversation {
  const write = (count: number, addGenerationPrompt = false): string =>
    applyChatTemplate(source, messages.slice(0, count), { ...options, addGenerationPrompt });
  const text = write(messages.length);
  const speaks = messages.flatMap((message, i) => (message?.role === 'assistant' ? [i] : []));
  const answers = (turns === 'last' ? speaks.slice(-1) : speaks).map((turn): [number, number] => {
    const { content } = messages[turn];
    const said = typeof content === 'string' ? content.trim() : undefined;
    const closed = turn + 1 === messages.length ? text : write(turn + 1);
    const start = turn === 0 ? Math.max(0, text.indexOf(said ?? '')) : commonLength(write(turn, true), closed);
    const end = commonLength(closed, text);
    const whole = said === undefined ? end === closed.length : text.slice(start, end).includes(said);
    if (whole && end > start) return [start, end];
    throw badRows(
      objective,
      `the chat template writes turn ${turn} of row ${index} otherwise once more follows`,
      "use turns: 'last', or give a chatTemplate that leaves earlier turns as they are",
    );
  });
  return { text, answers };
}

/** Characters that two texts share at their beginning. */
function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length++;
  return length;
}
