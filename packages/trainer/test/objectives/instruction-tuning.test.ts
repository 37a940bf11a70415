import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import type { ChatMessage } from '@tesserae/tokenizer';
import { instructionTuning } from '@tesserae/trainer';
import type { InstructionTuningOptions, Objective } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoder, disposeLearners, encoderDecoder, letters, rowOf, settings } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const template =
  "{% for m in messages %}{% if m.role == 'user' %}<u>{{ m.content }}\n{% elif m.role == 'assistant' %}<a>{{ m.content }}</s>\n{% else %}<s>{{ m.content }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}";
const chatTemplate = { template, specialTokens: {} };
const talk = (...texts: string[]): ChatMessage[] =>
  texts.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
const data = ['ab', 'cd', 'ef', 'gh', 'ij', 'kl', 'mn', 'op'].map((text) => ({ messages: talk(text, text[0]) }));

describeObjectiveContract(
  { name: 'instruction-tuning', create: () => instructionTuning({ chatTemplate }), model: decoder, data, steps: 80 },
  { describe, it },
);
describePluginContract<Objective>(instructionTuning, {
  describe,
  it,
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});

/** What is learned of a conversation: the text with what does not count as dots. */
async function learned(messages: readonly ChatMessage[], options: InstructionTuningOptions = {}): Promise<string> {
  const objective = instructionTuning({ chatTemplate, ...options });
  const { sampler } = await objective.prepare(decoder(), [messages, { messages }], settings(2));
  const { inputIds, labels } = sampler(0);
  const ids = [...rowOf(inputIds, 0, 2).slice(0, 1), ...rowOf(labels, 0, 2)];
  return ids.map((id, i) => (i === 0 || id === -100 ? '.' : letters.decode([id]))).join('');
}

describe('what is learned of a conversation', () => {
  it("is the assistant's in all turns, with the token that ends it", async () => {
    const messages = [{ role: 'system', content: 'be kind' }, ...talk('hello', 'hi', 'how', 'well')];
    const text = '<s>be kind\n<u>hello\n<a>hi</s>\n<u>how\n<a>well</s>\n'.replace(/<[usa]>|\n/g, '.');
    const wanted = text.replace('.be kind', '........').replace('hello', '.....').replace('how', '...');
    expect(await learned(messages)).toBe(wanted);
  });

  it('can be the last turn alone', async () => {
    expect(await learned(talk('hello', 'hi', 'how', 'well'), { turns: 'last' })).toMatch(/^\.+well<\/s>\.$/);
  });

  it('does not stop at what another says in the words of the assistant', async () => {
    expect(await learned(talk('hi', 'hi'))).toBe('.....hi</s>.');
  });

  it('can begin with the assistant', async () => {
    const messages = [{ role: 'assistant', content: 'hello' }, ...talk('ab', 'cd')];
    expect(await learned(messages)).toBe('.hello</s>......cd</s>.');
  });

  it('goes as far as the context', async () => {
    const objective = instructionTuning({ chatTemplate });
    const rows = [talk('hello', 'abcdefgh'), talk('a', 'b')];
    const { sampler, contextLength } = await objective.prepare(decoder(), rows, settings(2, { contextLength: 10 }));
    expect(contextLength).toBe(10);
    const texts = [0, 1].map((row) => letters.decode(rowOf(sampler(0).labels, row, 2).filter((id) => id !== -100)));
    expect(texts.sort()).toEqual(['abc', 'b</s>']);
  });

  const strips = template.replace('<a>{{ m.content }}', '<a>{% if loop.last %}{{ m.content }}{% endif %}');
  const good = talk('a', 'b');
  it.each<[string, unknown, RegExp, InstructionTuningOptions?]>([
    ['a conversation without the assistant', talk('a'), /the assistant says nothing in row 1/],
    ['no conversation', { text: 'a' }, /row 1 has no messages/],
    ['answers that begin too late', talk('abcdefghijklmnopqrstuvwxyz'.repeat(2), 'a'), /begin after 48 tokens/],
    [
      'a template that forgets answers',
      talk('a', 'b', 'c', 'd'),
      /turn 1 of row 1 otherwise/,
      { chatTemplate: { template: strips, specialTokens: {} } },
    ],
  ])('refuses %s', async (_, row, message, options) => {
    const objective = instructionTuning({ chatTemplate, ...options });
    const prepare = async (): Promise<unknown> => objective.prepare(decoder(), [good, row], settings(2));
    await expect(prepare).rejects.toThrow(message);
    await expect(prepare).rejects.toThrow('E_OBJECTIVE_DATA');
  });

  it('refuses a tokenizer without a template, and an encoder', async () => {
    await expect(async () => instructionTuning().prepare(decoder(), [good, good], settings(2))).rejects.toThrow(
      'E_CHAT_TEMPLATE',
    );
    const prepare = async (): Promise<unknown> =>
      instructionTuning({ chatTemplate }).prepare(encoderDecoder(), [good, good], settings(2));
    await expect(prepare).rejects.toThrow(/E_OBJECTIVE_MODEL.*has an encoder/);
  });

  it('keeps the last turn where a template forgets earlier ones', async () => {
    const options = { chatTemplate: { template: strips, specialTokens: {} }, turns: 'last' } as const;
    expect(await learned(talk('a', 'b', 'c', 'd'), options)).toMatch(/^\.+d<\/s>\.$/);
  });
});
