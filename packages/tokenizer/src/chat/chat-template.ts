import { describeValue } from '@tesserae/registry';
import { tokenizerError } from '../errors/tokenizer-error';

/** How a model wants conversations written: a Jinja template, and the special tokens that it names. */
export interface ChatTemplate {
  /** The template that is used. */
  readonly template: string;
  /** Others by name: `tool_use` is taken when there are tools. */
  readonly named?: Readonly<Record<string, string>> | undefined;
  /** Variables of the template: `bos_token`, `eos_token`, … */
  readonly specialTokens: Readonly<Record<string, string>>;
}

/** Real templates have at most some 30 kB. */
const MAX_TEMPLATE_LENGTH = 2 ** 20;

/** Fields of tokenizer_config.json that a template can name. */
const tokenFields = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

function checkTemplate(where: string, template: unknown): string {
  if (typeof template === 'string' && template.length <= MAX_TEMPLATE_LENGTH) return template;
  const found = typeof template === 'string' ? `a text of ${template.length} characters` : describeValue(template);
  throw tokenizerError(
    'E_CHAT_TEMPLATE',
    `${where} is ${found}`,
    `a chat template is a text of at most ${MAX_TEMPLATE_LENGTH} characters`,
  );
}

/** A special token is its text, or an object that holds it. */
function tokenText(value: unknown): string | undefined {
  const content = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
  return typeof content === 'string' ? content : undefined;
}

function readNamed(list: readonly unknown[]): Record<string, string> {
  const named: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [i, entry] of list.entries()) {
    const { name, template } = (entry ?? {}) as { name?: unknown; template?: unknown };
    if (typeof name !== 'string')
      throw tokenizerError(
        'E_CHAT_TEMPLATE',
        `chat_template[${i}] has no name, found ${describeValue(name)}`,
        'give each template of a list a name and a template',
      );
    named[name] = checkTemplate(`the chat template ${JSON.stringify(name)}`, template);
  }
  return named;
}

/**
 * Reads the chat template of a model folder: `chat_template` of tokenizer_config.json (a text, or a list of named ones),
 * or the texts of `chat_template.jinja` and `additional_chat_templates/*.jinja`, which come before it.
 *
 * @param config the object in tokenizer_config.json
 * @param files texts of templates by name; `default` is that of chat_template.jinja
 * @returns the template with the special tokens that it can name, or nothing when there is none
 * @throws E_CHAT_TEMPLATE when a template is no text or far too long
 * @example
 * ```ts
 * import { readChatTemplate } from '@tesserae/tokenizer';
 *
 * const config = { bos_token: { content: '<s>' }, chat_template: '{{ bos_token }}{{ messages[0].content }}' };
 * console.log(readChatTemplate(config)?.specialTokens); // → { bos_token: '<s>' }
 * ```
 */
export function readChatTemplate(
  config: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, string>> = {},
): ChatTemplate | undefined {
  const { chat_template: own } = config;
  const listed = Array.isArray(own) ? readNamed(own) : {};
  if (own !== undefined && own !== null && !Array.isArray(own)) listed.default = checkTemplate('chat_template', own);
  for (const [name, template] of Object.entries(files)) listed[name] = checkTemplate(`the template ${name}`, template);
  const names = Object.keys(listed);
  const template = listed.default ?? (names.length > 0 ? listed[names[0]] : undefined);
  if (template === undefined) return undefined;
  const tokens = tokenFields.map((name) => [name, tokenText(config[name])] as const);
  return {
    template,
    ...(names.length > 1 && { named: { ...listed } }),
    specialTokens: Object.fromEntries(tokens.filter((pair): pair is [string, string] => pair[1] !== undefined)),
  };
}
