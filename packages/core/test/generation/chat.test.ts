import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import {
  chat,
  createChat,
  createModel,
  disposeModel,
  generateText,
  gpt2,
  releaseGenerationPrograms,
} from '@tesserae/core';
import type { Generation, LogitsProcessor, Model } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const characters = trainCharacterTokenizer('user: assistant: system: Hello? Yes. And so on!\n#');
const template = '{% for m in messages %}{{ m.role }}: {{ m.content }}#\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}'; // prettier-ignore
const tokenizer = { ...characters, chatTemplate: { template, specialTokens: {} } };
const end = characters.tokenToId('#')!;
const config = {
  vocabSize: characters.vocabSize,
  hiddenSize: 16,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  maxPositionEmbeddings: 200,
  initializerRange: 0.5,
};
let model: Model;
beforeAll(async () => {
  await tf.setBackend('cpu');
  model = createModel(gpt2, config, { seed: 3, tokenizer }) as unknown as Model;
});
afterAll(() => {
  disposeModel(model);
  releaseGenerationPrograms();
});
const read = async (tokens: Generation): Promise<string> => {
  let text = '';
  for await (const token of tokens) text += token.text;
  return text;
};
const options = { maxNewTokens: 9, stopTokens: [end] };

describe('chat', () => {
  it('answers what the template writes', async () => {
    const answer = await read(chat(model, [{ role: 'user', content: 'Hello?' }], options));
    expect(answer).toBe(await generateText(model, 'user: Hello?#\nassistant: ', options));
    const begun = [
      { role: 'user', content: 'Hello?' },
      { role: 'assistant', content: 'Ye' },
    ];
    const rest = await read(chat(model, begun, options));
    expect(rest).toBe(await generateText(model, 'user: Hello?#\nassistant: Ye', options));
  });

  it('remembers a conversation, and gives the answers that it would give anew', async () => {
    const before = tf.memory().numTensors;
    const conversation = createChat(model, { ...options, messages: [{ role: 'system', content: 'so' }] });
    for (const question of ['Hello?', 'And so on!']) {
      const anew = [...conversation.messages, { role: 'user', content: question }];
      const wanted = await read(chat(model, anew, options));
      expect(await read(conversation.send(question))).toBe(wanted);
      expect(conversation.messages).toEqual([...anew, { role: 'assistant', content: wanted }]);
    }
    conversation.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect((await read(conversation.send('Yes.'))).length).toBeGreaterThan(0);
    conversation.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps what was said when its answer is left early, and nothing when it fails', async () => {
    const conversation = createChat(model, { maxNewTokens: 9, stopTokens: [] });
    let text = '';
    for await (const token of conversation.send('Hello?')) {
      text += token.text;
      if (token.index === 3) break;
    }
    expect(text.length).toBe(4);
    expect(conversation.messages).toEqual([
      { role: 'user', content: 'Hello?' },
      { role: 'assistant', content: text },
    ]);
    const spoiled: LogitsProcessor = (logits) => void logits.fill(NaN);
    await expect(read(conversation.send('Yes.', { processors: [spoiled] }))).rejects.toThrow(/E_NO_TOKEN/);
    expect(conversation.messages.length).toBe(2);
    expect((await read(conversation.send('Yes.'))).length).toBe(9);
    conversation.dispose();
  });

  it('needs a tokenizer and a template', () => {
    const codeOf = (spoilt: Model): string => {
      try {
        chat(spoilt, [{ role: 'user', content: 'Hello?' }]);
        return 'none';
      } catch (error) {
        return isTesseraeError(error) ? error.code : String(error);
      }
    };
    expect(codeOf({ ...model, tokenizer: undefined })).toBe('E_NO_TOKENIZER');
    expect(codeOf({ ...model, tokenizer: characters })).toBe('E_CHAT_TEMPLATE');
  });
});
