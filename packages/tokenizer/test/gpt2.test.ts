import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadGpt2Files, loadTokenizer } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import { sharedData } from './support';

const vocab = sharedData('tokenizers/gpt2_encoder.json');
const merges = sharedData('tokenizers/gpt2_vocab.bpe');
const plans = sharedData('tokenizers/tiktoken_TestPlans.txt');
const cases = sharedData('tokenizers/hf_tokenizer_tests.json');
const inputs = sharedData('tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf.inp');
const outputs = sharedData('tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf.out');
const complete = [vocab, merges, plans, cases, inputs, outputs].every((file) => file !== undefined);

interface Case {
  text: string;
  ids: number[];
}

function tiktokenCases(): Case[] {
  return readFileSync(plans!, 'utf8')
    .split('EncodingName: ')
    .filter((block) => block.startsWith('r50k_base\n'))
    .map((block) => {
      const at = block.lastIndexOf('\nEncoded: ');
      const text = block.slice(block.indexOf('Sample: ') + 'Sample: '.length, at);
      return { text, ids: JSON.parse(block.slice(at + '\nEncoded: '.length)) as number[] };
    });
}

function llamaCppCases(): Case[] {
  const texts = readFileSync(inputs!, 'utf8').split('\n__ggml_vocab_test__\n');
  const lines = readFileSync(outputs!, 'utf8').split('\n');
  return texts.map((text, i) => ({
    text,
    ids: lines[i].trim() === '' ? [] : lines[i].trim().split(/\s+/).map(Number),
  }));
}

interface HuggingFaceCase {
  input: string;
  encoded: { input_ids: number[] };
  decoded_with_special: string;
}

describe.skipIf(!complete)('GPT-2', () => {
  const tokenizer: Tokenizer = complete ? loadGpt2Files({ vocab: vocab!, merges: merges! }) : (undefined as never);

  it('is read from its two files', () => {
    expect(tokenizer.kind).toBe('byte-level-bpe');
    expect(tokenizer.vocabSize).toBe(50257);
    expect(tokenizer.specialTokens).toEqual({ '<|endoftext|>': 50256 });
    expect(Array.from(tokenizer.encode('a<|endoftext|>b'))).toEqual([64, 50256, 65]);
    const asText = tokenizer.encode('<|endoftext|>', { parseSpecialTokens: false });
    expect(Array.from(asText)).toEqual([27, 91, 437, 1659, 5239, 91, 29]);
  });

  it("encodes tiktoken's 64 samples", () => {
    const samples = tiktokenCases();
    expect(samples.length).toBe(64);
    for (const { text, ids } of samples) {
      expect(Array.from(tokenizer.encode(text)), JSON.stringify(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  it("encodes llama.cpp's 47 samples", () => {
    const samples = llamaCppCases();
    expect(samples.length).toBe(47);
    for (const { text, ids } of samples) {
      expect(Array.from(tokenizer.encode(text)), JSON.stringify(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  it("encodes and decodes transformers' 18 samples for distilgpt2, here and by the library", () => {
    const samples = (JSON.parse(readFileSync(cases!, 'utf8')) as Record<string, HuggingFaceCase[]>).distilgpt2;
    expect(samples.length).toBe(18);
    const library = loadTokenizer(tokenizer.toJSON(), { engine: 'hugging-face' });
    for (const { input, encoded, decoded_with_special: decoded } of samples)
      for (const one of [tokenizer, library]) {
        expect(Array.from(one.encode(input)), JSON.stringify(input)).toEqual(encoded.input_ids);
        expect(one.decode(encoded.input_ids, { cleanUpSpaces: true })).toBe(decoded);
      }
  });

  it('streams every sample', () => {
    for (const { text, ids } of [...tiktokenCases(), ...llamaCppCases()]) {
      const stream = tokenizer.createDecodeStream();
      expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(text);
    }
  });
});

const bert = sharedData('tokenizers/bert_base_uncased.tokenizer.json');
describe.skipIf(bert === undefined || cases === undefined)('BERT', () => {
  it("encodes and decodes transformers' samples", () => {
    const samples = (JSON.parse(readFileSync(cases!, 'utf8')) as Record<string, HuggingFaceCase[]>)[
      'bert-base-uncased'
    ];
    const tokenizer = loadTokenizer(bert!);
    expect(tokenizer.kind).toBe('wordpiece');
    expect(tokenizer.vocabSize).toBe(30522);
    for (const { input, encoded, decoded_with_special: decoded } of samples) {
      expect(Array.from(tokenizer.encode(input)), JSON.stringify(input)).toEqual(encoded.input_ids);
      expect(tokenizer.decode(encoded.input_ids, { cleanUpSpaces: true })).toBe(decoded);
    }
  });
});

const t5 = sharedData('tokenizers/t5_small.tokenizer.json');
describe.skipIf(t5 === undefined || cases === undefined)('T5', () => {
  it("encodes and decodes transformers' samples", () => {
    const samples = (JSON.parse(readFileSync(cases!, 'utf8')) as Record<string, HuggingFaceCase[]>)['t5-base'];
    const tokenizer = loadTokenizer(t5!);
    expect(tokenizer.vocabSize).toBe(32100);
    for (const { input, encoded, decoded_with_special: decoded } of samples) {
      expect(Array.from(tokenizer.encode(input)), JSON.stringify(input)).toEqual(encoded.input_ids);
      expect(tokenizer.decode(encoded.input_ids, { cleanUpSpaces: true })).toBe(decoded);
    }
  });
});
