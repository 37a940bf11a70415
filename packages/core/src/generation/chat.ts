import { tesseraeError } from '@tesserae/registry';
import { encodeChat } from '@tesserae/tokenizer';
import type { ChatMessage, ChatTemplate, ChatTemplateOptions } from '@tesserae/tokenizer';
import type { Model } from '../model/types';
import { generate } from './generate';
import type { Generation } from './generate';
import type { GenerateOptions } from './options';
import { createPromptCache, disposePromptCache } from './prompt-cache';
import type { PromptCache } from './prompt-cache-type';
import type { GeneratedToken } from './rows';

/** How a conversation is answered: options of `generate`, and of the chat template. */
export interface ChatOptions
  extends GenerateOptions, Pick<ChatTemplateOptions, 'tools' | 'documents' | 'template' | 'variables'> {
  /** How conversations are written; the tokenizer's own when absent. */
  readonly chatTemplate?: ChatTemplate | undefined;
}

/** A conversation with a model. */
export interface Chat {
  /** Everything said so far. */
  readonly messages: readonly ChatMessage[];
  /**
   * Says something, and streams the answer. Leaving the loop early ends the answer there. Both are part of the
   * conversation afterwards, but not when the answer fails.
   */
  send(message: string | ChatMessage, options?: ChatOptions): Generation;
  /** Frees what the model has read; the conversation can go on and is then read again. */
  dispose(): void;
}

/**
 * Answers a conversation: writes it by the chat template and streams what the model says next. Where the last message is
 * the assistant's, it is continued.
 *
 * With `cache` the beginning that an earlier call has read is not read again; `createChat` keeps one by itself.
 *
 * @param model a model with a tokenizer and a chat template
 * @param messages the conversation
 * @param options as for `generate`, and `tools`, `documents`, `variables` of the template
 * @returns the tokens of the answer as they come
 * @throws E_NO_TOKENIZER; E_CHAT_TEMPLATE, E_CHAT_MESSAGE of `applyChatTemplate`; the codes of `generate`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { chat, createModel, gpt2 } from '@tesserae/core';
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * const tokenizer = trainCharacterTokenizer('user: hello\nassistant:');
 * const template = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:';
 * const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 64 };
 * const model = createModel(gpt2, config, { seed: 1, tokenizer: { ...tokenizer, chatTemplate: { template, specialTokens: {} } } });
 * let answer = '';
 * for await (const { text } of chat(model, [{ role: 'user', content: 'hello' }], { maxNewTokens: 5 })) answer += text;
 * console.log(answer.length); // → 5
 * ```
 */
export function chat<C>(model: Model<C>, messages: readonly ChatMessage[], options: ChatOptions = {}): Generation {
  const { tools, documents, template, variables, chatTemplate, ...rest } = options;
  if (!model.tokenizer) {
    throw tesseraeError({
      package: 'core',
      code: 'E_NO_TOKENIZER',
      message: 'a conversation is text, and the model has no tokenizer',
      fix: 'give the model one: { ...model, tokenizer }',
    });
  }
  const open = Array.isArray(messages) && messages[messages.length - 1]?.role === 'assistant';
  const how = { tools, documents, template, variables, continueFinalMessage: open, addGenerationPrompt: !open };
  return generate(model, encodeChat(model.tokenizer, chatTemplate, messages, how), rest);
}

/**
 * Begins a conversation that remembers what was said, and what the model has read of it: each turn reads only what is new.
 *
 * @param model a decoder-only model with a tokenizer and a chat template
 * @param options for every turn; and `messages` to begin with, such as a system message
 * @returns the conversation; `dispose` frees its memory
 * @throws as {@link chat}, when something is said
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createChat, createModel, gpt2 } from '@tesserae/core';
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * const tokenizer = trainCharacterTokenizer('user: hello\nassistant:');
 * const template = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:';
 * const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 128 };
 * const model = createModel(gpt2, config, { seed: 1, tokenizer: { ...tokenizer, chatTemplate: { template, specialTokens: {} } } });
 * const conversation = createChat(model, { maxNewTokens: 5 });
 * for await (const token of conversation.send('hello')) void token.text;
 * console.log(conversation.messages.map(({ role }) => role)); // → [ 'user', 'assistant' ]
 * conversation.dispose();
 * ```
 */
export function createChat<C>(
  model: Model<C>,
  options: ChatOptions & { readonly messages?: readonly ChatMessage[] | undefined } = {},
): Chat {
  const { messages: first = [], ...defaults } = options;
  let messages: readonly ChatMessage[] = [...first];
  let cache: PromptCache | undefined;

  async function* answer(question: ChatMessage, more: ChatOptions): AsyncGenerator<GeneratedToken> {
    const asked = [...messages, question];
    cache ??= await createPromptCache(model);
    let text = '';
    let failed = false;
    try {
      for await (const token of chat(model, asked, { ...defaults, cache, ...more })) {
        text += token.text;
        yield token;
      }
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      if (!failed) messages = [...asked, { role: 'assistant', content: text }];
    }
  }

  return {
    get messages() {
      return messages;
    },
    send: (message, more = {}) =>
      answer(typeof message === 'string' ? { role: 'user', content: message } : message, more),
    dispose() {
      if (cache) disposePromptCache(cache);
      cache = undefined;
    },
  };
}
