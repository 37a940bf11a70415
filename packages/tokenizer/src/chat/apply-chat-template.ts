import { Template } from '@huggingface/jinja';
import { describeValue } from '@tesserae/registry';
import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import type { ChatTemplate } from './chat-template';

/** A piece of a message that is more than text. */
export interface ChatContentPart {
  /** `text`, `image`, … */
  readonly type: string;
  readonly text?: string | undefined;
  readonly [field: string]: unknown;
}

/** One message of a conversation, as OpenAI and Hugging Face write them. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, `tool`. */
  readonly role: string;
  readonly content?: string | readonly ChatContentPart[] | null | undefined;
  /** `name`, `tool_calls`, …: whatever the template looks at. */
  readonly [field: string]: unknown;
}

/** How a conversation is written. */
export interface ChatTemplateOptions {
  /** End with what begins the assistant's answer. Default `false`. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** Leave the last message open, to be continued. Default `false`. */
  readonly continueFinalMessage?: boolean | undefined;
  /** Tools that the model may call, as JSON schemas of functions. */
  readonly tools?: readonly object[] | undefined;
  /** Documents for answers with sources. */
  readonly documents?: readonly object[] | undefined;
  /** Another of the templates, by name. */
  readonly template?: string | undefined;
  /** More variables of the template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

const optionNames = [
  'addGenerationPrompt',
  'continueFinalMessage',
  'tools',
  'documents',
  'template',
  'variables',
] satisfies (keyof ChatTemplateOptions)[];

/** Stands at the end of a message that shall be continued, to be found and cut off. Its space shows whether texts are trimmed. */
const MARK = '\uE000continue\uE000 ';

const refuse = (message: string, fix: string, cause?: unknown): never => {
  throw tokenizerError('E_CHAT_TEMPLATE', message, fix, cause === undefined ? {} : { cause });
};

function checkMessages(messages: unknown): asserts messages is readonly ChatMessage[] {
  const bad = (message: string): never => {
    throw tokenizerError('E_CHAT_MESSAGE', message, "give a list like [{ role: 'user', content: 'Hello' }]");
  };
  if (!Array.isArray(messages) || messages.length === 0)
    return bad(`expected a list of messages, found ${describeValue(messages)}`);
  for (const [i, message] of (messages as unknown[]).entries()) {
    if (typeof message !== 'object' || message === null) bad(`message ${i} is ${describeValue(message)}`);
    const { role, content } = message as ChatMessage;
    if (typeof role !== 'string') bad(`the role of message ${i} is ${describeValue(role)}`);
    const parts = Array.isArray(content) && content.every((part) => typeof part === 'object' && part !== null);
    if (content !== undefined && content !== null && typeof content !== 'string' && !parts)
      bad(`the content of message ${i} is ${describeValue(content)}`);
  }
}

/** The last message's text with the mark behind it. */
function marked(messages: readonly ChatMessage[]): ChatMessage[] {
  const last = messages[messages.length - 1];
  const { content } = last;
  if (typeof content === 'string') return [...messages.slice(0, -1), { ...last, content: content + MARK }];
  const parts = [...(content ?? [])];
  const at = parts.map(({ text }) => typeof text === 'string').lastIndexOf(true);
  if (at < 0)
    throw tokenizerError(
      'E_CHAT_MESSAGE',
      'the last message, which shall be continued, has no text',
      'give it content, or leave continueFinalMessage out',
    );
  parts[at] = { ...parts[at], text: parts[at].text! + MARK };
  return [...messages.slice(0, -1), { ...last, content: parts }];
}

function cutAtMark(text: string): string {
  const at = text.lastIndexOf(MARK.trim());
  if (at < 0) return refuse('the template leaves out the last message, which shall be continued', 'let it be answered');
  const before = text.slice(0, at);
  return text.startsWith(MARK, at) ? before : before.trimEnd(); // as the template would have trimmed the message alone
}

function choose({ template, named = {} }: ChatTemplate, { template: name, tools }: ChatTemplateOptions): string {
  if (name !== undefined) {
    if (Object.hasOwn(named, name)) return named[name];
    return refuse(
      `there is no chat template ${JSON.stringify(name)}`,
      `use one of ${Object.keys(named).join(', ') || 'none: this model has a single template'}`,
    );
  }
  return tools && Object.hasOwn(named, 'tool_use') ? named.tool_use : template;
}

let parsed: Map<string, Template> | undefined;

/** Parses a template, or remembers it. */
function parse(text: string): Template {
  parsed ??= new Map();
  let found = parsed.get(text);
  if (!found) {
    try {
      found = new Template(text);
    } catch (error) {
      return refuse(`the chat template cannot be read: ${(error as Error).message}`, 'correct its Jinja syntax', error);
    }
    if (parsed.size >= 8) parsed.clear();
    parsed.set(text, found);
  }
  return found;
}

/**
 * Writes a conversation as the text that a model was trained on, by its chat template.
 *
 * The text holds the special tokens already: encode it with `addSpecialTokens: false`. Texts of users are put in as they
 * are; what they write can look like a special token, as everywhere that templates are used.
 *
 * @param source a tokenizer or model folder's template, or something that has one (`{ chatTemplate }`)
 * @param messages the conversation
 * @param options what to end with, tools, more variables
 * @returns the text
 * @throws E_CHAT_TEMPLATE when there is no template, it cannot be read, or it refuses the conversation; E_CHAT_MESSAGE for
 *   messages without a role or with impossible content; E_OPTION
 * @see `apply_chat_template` of transformers
 * @example
 * ```ts
 * import { applyChatTemplate } from '@tesserae/tokenizer';
 *
 * const template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
 * const messages = [{ role: 'user', content: 'Hello' }];
 * const text = applyChatTemplate({ template, specialTokens: {} }, messages, { addGenerationPrompt: true });
 * console.log(JSON.stringify(text)); // → "<|user|>Hello\n<|assistant|>"
 * ```
 */
export function applyChatTemplate(
  source: ChatTemplate | { readonly chatTemplate?: ChatTemplate | undefined },
  messages: readonly ChatMessage[],
  options: ChatTemplateOptions = {},
): string {
  checkOptions('applyChatTemplate', options, optionNames);
  checkMessages(messages);
  const { addGenerationPrompt = false, continueFinalMessage = false, tools, documents, variables } = options;
  if (addGenerationPrompt && continueFinalMessage)
    throw tokenizerError('E_OPTION', 'addGenerationPrompt and continueFinalMessage are both set', 'set one of them');
  const found = 'template' in source ? source : source.chatTemplate;
  if (!found) return refuse('there is no chat template', 'give one: { template, specialTokens: { bos_token, … } }');
  const template = parse(choose(found, options));
  const said = continueFinalMessage ? marked(messages) : messages;
  let text: string;
  try {
    text = template.render({
      ...found.specialTokens,
      tools: tools ?? null,
      documents: documents ?? null,
      ...variables,
      messages: said,
      add_generation_prompt: addGenerationPrompt,
    });
  } catch (error) {
    return refuse(
      `the chat template refuses the conversation: ${(error as Error).message}`,
      'change the messages as it says',
      error,
    );
  }
  return continueFinalMessage ? cutAtMark(text) : text;
}
