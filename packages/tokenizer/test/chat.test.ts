import { applyChatTemplate, encodeChat, readChatTemplate, trainCharacterTokenizer } from '@tesserae/tokenizer';
import type { ChatMessage, ChatTemplate, ChatTemplateOptions } from '@tesserae/tokenizer';
import { isTesseraeError } from '@tesserae/registry';
import { describe, expect, it } from 'vitest';

/** ChatML, as Qwen and many others have it. */
const chatMl: ChatTemplate = {
  template:
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
  specialTokens: {},
};
/** Llama 2's shape: roles must alternate, a system message goes into the first question. */
const alternating: ChatTemplate = {
  template: `{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = '<<SYS>>' + messages[0]['content'] + '<</SYS>>' %}{% else %}{% set loop_messages = messages %}{% set system = '' %}{% endif %}
{% for message in loop_messages %}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Roles must alternate') }}
    {% endif %}
    {% if message['role'] == 'user' %}
{{ bos_token + '[INST] ' + (system if loop.first else '') + message['content'].strip() + ' [/INST]' }}
    {%- else %}
{{ ' ' + message['content'].strip() + ' ' + eos_token }}
    {%- endif %}
{% endfor %}`,
  specialTokens: { bos_token: '<s>', eos_token: '</s>' },
};
const hello: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: ' Hi ' },
  { role: 'assistant', content: 'Yo' },
];
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return isTesseraeError(error) ? error.code : `uncoded: ${String(error)}`;
  }
};

describe('applyChatTemplate', () => {
  it('writes conversations as the template says', () => {
    expect(applyChatTemplate(chatMl, hello.slice(0, 2), { addGenerationPrompt: true })).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\n',
    );
    expect(applyChatTemplate(alternating, hello)).toBe('<s>[INST] <<SYS>>Be brief.<</SYS>>Hi [/INST] Yo </s>');
    expect(applyChatTemplate({ chatTemplate: chatMl }, hello)).toBe(applyChatTemplate(chatMl, hello));
  });

  it('leaves the last message open to be continued', () => {
    const options = { continueFinalMessage: true };
    expect(applyChatTemplate(chatMl, hello, options).endsWith('<|im_start|>assistant\nYo')).toBe(true);
    expect(applyChatTemplate(alternating, hello, options).endsWith('[/INST] Yo')).toBe(true);
    const spaced = [...hello.slice(0, 2), { role: 'assistant', content: 'Yo  ' }];
    const trimming = {
      template: "{{ messages[2]['content'].strip() + eos_token }}",
      specialTokens: { eos_token: '</s>' },
    };
    expect(applyChatTemplate(trimming, spaced, options)).toBe('Yo');
    expect(applyChatTemplate(chatMl, spaced, options).endsWith('\nYo  ')).toBe(true);
    const parts = [{ role: 'assistant', content: [{ type: 'text', text: 'A' }, { type: 'image' }] }];
    const template = { template: "{% for p in messages[0]['content'] %}{{ p.text or '[img]' }}|{% endfor %}", specialTokens: {} }; // prettier-ignore
    expect(applyChatTemplate(template, parts)).toBe('A|[img]|');
    expect(applyChatTemplate(template, parts, options)).toBe('A');
  });

  it('hands over tools, documents and variables, and takes the template for tools', () => {
    const template: ChatTemplate = {
      template: 'plain {{ mood }}{% if documents %}{{ documents[0].title }}{% endif %}',
      named: { default: 'plain', tool_use: '{{ tools | tojson }}', other: 'other' },
      specialTokens: {},
    };
    expect(applyChatTemplate(template, hello, { variables: { mood: 'glad' }, documents: [{ title: ' T' }] })).toBe(
      'plain glad T',
    );
    expect(JSON.parse(applyChatTemplate(template, hello, { tools: [{ name: 'add' }] }))).toEqual([{ name: 'add' }]);
    expect(applyChatTemplate(template, hello, { template: 'other' })).toBe('other');
  });

  it.each<[string, ChatTemplate | object, unknown, ChatTemplateOptions, string]>([
    ['no template', {}, hello, {}, 'E_CHAT_TEMPLATE'],
    ['a broken template', { template: '{% for %}', specialTokens: {} }, hello, {}, 'E_CHAT_TEMPLATE'],
    ['a template that refuses', alternating, hello.slice(2), {}, 'E_CHAT_TEMPLATE'],
    ['an unknown template', chatMl, hello, { template: 'x' }, 'E_CHAT_TEMPLATE'],
    ['no messages', chatMl, [], {}, 'E_CHAT_MESSAGE'],
    ['a text', chatMl, 'Hi', {}, 'E_CHAT_MESSAGE'],
    ['a message without a role', chatMl, [{ content: 'Hi' }], {}, 'E_CHAT_MESSAGE'],
    ['a content of numbers', chatMl, [{ role: 'user', content: 7 }], {}, 'E_CHAT_MESSAGE'],
    ['nothing to continue', chatMl, [{ role: 'user' }], { continueFinalMessage: true }, 'E_CHAT_MESSAGE'],
    ['both endings', chatMl, hello, { continueFinalMessage: true, addGenerationPrompt: true }, 'E_OPTION'],
    ['an unknown option', chatMl, hello, { tool: [] } as never, 'E_OPTION'],
  ])('%s is refused', (_, template, messages, options, code) => {
    expect(codeOf(() => applyChatTemplate(template as ChatTemplate, messages as ChatMessage[], options))).toBe(code);
  });

  it('gives ids with the special tokens that it wrote', () => {
    const tokenizer = trainCharacterTokenizer('user: Hi\n');
    const chatTemplate = { template: '{{ messages[0].role }}: {{ messages[0].content }}', specialTokens: {} };
    const ids = encodeChat({ ...tokenizer, chatTemplate }, undefined, [{ role: 'user', content: 'Hi' }]);
    expect(tokenizer.decode(ids)).toBe('user: Hi');
  });
});

describe('readChatTemplate', () => {
  it('reads every way in which folders hold one', () => {
    expect(readChatTemplate({})).toBeUndefined();
    expect(readChatTemplate({ chat_template: null, bos_token: '<s>' })).toBeUndefined();
    expect(readChatTemplate({ chat_template: 'x', bos_token: '<s>', eos_token: { content: '</s>' } })).toEqual({
      template: 'x',
      specialTokens: { bos_token: '<s>', eos_token: '</s>' },
    });
    const list = [
      { name: 'default', template: 'a' },
      { name: 'tool_use', template: 'b' },
    ];
    expect(readChatTemplate({ chat_template: list })).toMatchObject({ template: 'a', named: { tool_use: 'b' } });
    expect(readChatTemplate({ chat_template: 'old' }, { default: 'new', rag: 'c' })).toMatchObject({
      template: 'new',
      named: { default: 'new', rag: 'c' },
    });
  });

  it.each([
    [{ chat_template: 5 }],
    [{ chat_template: [{ template: 'x' }] }],
    [{ chat_template: [null] }],
    [{ chat_template: 'x'.repeat(2 ** 20 + 1) }],
  ])('refuses what is none', (config) => {
    expect(codeOf(() => readChatTemplate(config))).toBe('E_CHAT_TEMPLATE');
  });
});
