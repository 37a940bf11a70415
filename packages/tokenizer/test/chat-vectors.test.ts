import { readFileSync } from 'node:fs';
import path from 'node:path';
import { applyChatTemplate } from '@tesserae/tokenizer';
import type { ChatMessage, ChatTemplateOptions } from '@tesserae/tokenizer';
import { describe, expect, it } from 'vitest';

/** Conversations as `render_jinja_template` of transformers 5.18 writes them, by templates in the ways of well-known models. */
const { templates, cases } = JSON.parse(readFileSync(path.join(__dirname, 'fixtures/chat-templates.json'), 'utf8')) as {
  templates: Record<string, string>;
  cases: { name: string; messages: ChatMessage[]; options: ChatTemplateOptions; text: string }[];
};

describe('chat templates against the reference', () => {
  it.each(
    cases.map((one, index) => [`${index} ${one.name} ${JSON.stringify(one.options).slice(0, 60)}`, one] as const),
  )('%s', (_, one) => {
    const template = { template: templates[one.name], specialTokens: { bos_token: '<s>', eos_token: '</s>' } };
    expect(applyChatTemplate(template, one.messages, one.options)).toBe(one.text);
  });
});
