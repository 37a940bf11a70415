import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadBertVocabulary, loadGgufTokenizer, loadSentencePiece, loadTokenizer } from '@tesserae/tokenizer';
import type { Tokenizer, TokenizerJson } from '@tesserae/tokenizer';
import { expectError, fixture, sharedData } from './support';

interface Case {
  text: string;
  ids: number[];
}

/** The 47 cases of llama.cpp; the last is the empty text. */
function llamaCppCases(name: string): Case[] | undefined {
  const file = sharedData(`tokenizers/llama.cpp/ggml-vocab-${name}.gguf.inp`);
  if (!file) return undefined;
  const ids = readFileSync(file.replace(/inp$/, 'out'), 'utf8').split('\n');
  const texts = readFileSync(file, 'utf8').split('\n__ggml_vocab_test__\n');
  return texts.map((text, i) => ({
    text: i === texts.length - 1 ? text.replace(/\n$/, '') : text,
    ids: ids[i].trim() === '' ? [] : ids[i].trim().split(/\s+/).map(Number),
  }));
}

function expectAll(tokenizer: Tokenizer, cases: readonly Case[]): void {
  const options = { addSpecialTokens: false, parseSpecialTokens: false };
  for (const { text, ids } of cases) {
    expect(Array.from(tokenizer.encode(text, options)), JSON.stringify(text)).toEqual(ids);
    expect(Array.from(tokenizer.encodeWithOffsets(text, options).ids), JSON.stringify(text)).toEqual(ids);
  }
}

describe("llama.cpp's cases, with the vocabulary of the GGUF file", () => {
  for (const [vocabulary, name] of [
    ['gpt-2', 'gpt-2'],
    ['bert-bge', 'bert-bge'],
    ['llama-spm', 'llama-spm'],
    ['llama-spm', 'phi-3'],
  ]) {
    const file = sharedData(`tokenizers/llama.cpp/ggml-vocab-${vocabulary}.gguf`);
    const cases = llamaCppCases(name);
    it.skipIf(!file || !cases)(`${name}: all of them`, () => {
      expect(cases!.length).toBe(47);
      expectAll(loadGgufTokenizer(file!), cases!);
    });
  }

  it('are refused, not read beyond their end, when the file is cut off or no GGUF', () => {
    const file = sharedData('tokenizers/llama.cpp/ggml-vocab-bert-bge.gguf.inp');
    if (file) expectError(() => loadGgufTokenizer(file), 'E_TOKENIZER_JSON', /does not begin with GGUF/);
    expectError(() => loadGgufTokenizer('/no/such/file.gguf'), 'E_TOKENIZER_FILE', /cannot be read/);
  });
});

const bertVocabulary = sharedData('tokenizers/bert_base_uncased_vocab.txt');
const bertJson = sharedData('tokenizers/bert_base_uncased.tokenizer.json');
describe.skipIf(!bertVocabulary || !bertJson)("BERT's vocab.txt", () => {
  it('gives what tokenizer.json gives, for pairs too', () => {
    const plain = loadBertVocabulary({ vocab: bertVocabulary! });
    const full = loadTokenizer(bertJson!);
    for (const text of ['Hello, y’all! 你好 naïve', '', '[MASK] it', 'e\u0301\u0000 \u200b'])
      expect(plain.encodeWithOffsets(text, { pair: 'Second one' })).toEqual(
        full.encodeWithOffsets(text, { pair: 'Second one' }),
      );
    expectAll(plain, llamaCppCases('bert-bge') ?? []);
  });
});

const t5 = sharedData('tokenizers/t5_small.tokenizer.json');
describe.skipIf(!t5)("T5's expected ids", () => {
  it('come out with the spaces of SentencePiece; those of the file lose one, in the Rust library too', () => {
    const { input, ids } = JSON.parse(readFileSync(t5!.replace('tokenizer.json', 'expected.json'), 'utf8')) as {
      input: string;
      ids: number[];
    };
    const json = JSON.parse(readFileSync(t5!, 'utf8')) as TokenizerJson;
    const rust = ids.filter((_, i) => i !== 1); // the space between "I" and "<extra_id_0>"
    expect(Array.from(loadTokenizer(json).encode(input))).toEqual(rust);
    json.normalizer = {
      type: 'Sequence',
      normalizers: [json.normalizer!, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
    };
    json.pre_tokenizer = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true };
    expect(Array.from(loadTokenizer(json).encode(input))).toEqual(ids);
  });
});

const model = sharedData('tokenizers/sentencepiece_test_model.model');
describe.skipIf(!model)('a SentencePiece model', () => {
  const cases = fixture<(Case & { decoded: string })[]>('sentencepiece-test-model.json');

  it('gives the ids of SentencePiece on 120 texts, and its text where nothing is unknown', () => {
    const tokenizer = loadSentencePiece({ model: model! });
    expect(cases.length).toBe(120);
    expectAll(tokenizer, cases);
    for (const { ids, decoded } of cases) if (!ids.includes(0)) expect(tokenizer.decode(ids)).toBe(decoded);
  });

  it('puts control pieces around texts when asked', () => {
    const tokenizer = loadSentencePiece({ model: model!, firstToken: '<s>', lastToken: '</s>' });
    const plain = loadSentencePiece({ model: model! }).encode('a test');
    const { '<s>': first, '</s>': last } = tokenizer.specialTokens;
    expect(Array.from(tokenizer.encode('a test'))).toEqual([first, ...plain, last]);
    expectError(
      () => loadSentencePiece({ model: model!, firstToken: '<x>' }),
      'E_SPECIAL_TOKEN',
      /no control piece .* it has "<s>", "<\/s>"/,
    );
  });
});

describe('tokenizers of all kinds of parts', () => {
  interface Pipeline {
    json: TokenizerJson;
    cases: {
      text: string;
      pair: string | null;
      add: boolean;
      dec: string;
      out: { ids: number[]; offsets: [number, number][]; types: number[]; special: number[]; words: (number | null)[] };
    }[];
  }

  /** The place of each UTF-16 unit in code points, which the reference counts. */
  const codePoints = (text: string): number[] => {
    const places: number[] = [];
    let place = 0;
    for (const character of text) {
      for (let unit = 0; unit < character.length; unit++) places.push(place);
      place++;
    }
    return [...places, place];
  };

  it.each(fixture<Pipeline[]>('rust-pipelines.json').map((one, i) => [i, one] as const))(
    'number %i gives what the Rust library gives',
    (_i, { json, cases }) => {
      const tokenizer = loadTokenizer(json);
      for (const { text, pair, add, out } of cases) {
        const options = { addSpecialTokens: add, ...(pair !== null && { pair }) };
        const encoding = tokenizer.encodeWithOffsets(text, options);
        const places = [codePoints(text), codePoints(pair ?? '')];
        expect(Array.from(encoding.ids), JSON.stringify(text)).toEqual(out.ids);
        expect(Array.from(encoding.typeIds)).toEqual(out.types);
        expect(Array.from(encoding.specialTokensMask)).toEqual(out.special);
        expect(encoding.wordIds).toEqual(out.words);
        expect(
          encoding.offsets.map(([start, end], i) => {
            const list = places[encoding.sequenceIds[i] ?? 0];
            return [list[start], list[end]];
          }),
          JSON.stringify(text),
        ).toEqual(out.offsets);
        if (pair === null) expect(Array.from(tokenizer.encode(text, { addSpecialTokens: add }))).toEqual(out.ids);
      }
    },
  );
});
