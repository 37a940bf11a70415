import type { Tokenizer } from '../interface/tokenizer';
import { applyChatTemplate } from './apply-chat-template';
import type { ChatMessage, ChatTemplateOptions } from './apply-chat-template';
import type { ChatTemplate } from './chat-template';

/**
 * A conversation as ids: its text by the chat template, encoded without further special tokens.
 *
 * @param tokenizer the model's tokenizer
 * @param template its chat template; the tokenizer's own when undefined
 * @param messages the conversation
 * @param options as for {@link applyChatTemplate}
 * @returns the ids, [T]
 * @throws as {@link applyChatTemplate}
 * @example
 * ```ts
 * import { encodeChat, trainCharacterTokenizer } from '@tesserae/tokenizer';
 *
 * const tokenizer = trainCharacterTokenizer('user: hello\n');
 * const template = { template: '{{ messages[0].role }}: {{ messages[0].content }}', specialTokens: {} };
 * const ids = encodeChat(tokenizer, template, [{ role: 'user', content: 'hello' }]);
 * console.log(tokenizer.decode(ids)); // → user: hello
 * ```
 */
export function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate | undefined,
  messages: readonly ChatMessage[],
  options: ChatTemplateOptions = {},
): Int32Array {
  return tokenizer.encode(applyChatTemplate(template ?? tokenizer, messages, options), { addSpecialTokens: false }); // [T]
}
