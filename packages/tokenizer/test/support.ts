import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isTesseraeError } from '@tesserae/registry';
import { expect } from 'vitest';
import type { TokenizerJson } from '@tesserae/tokenizer';
import { PIECE } from '../src/sentence-piece/model-file';
import { sentencePieceJson } from '../src/sentence-piece/sentence-piece-json';

const root = path.resolve(__dirname, '../../..');

/** The path of a shared data file, or undefined (and a line that says so) where it is absent. */
export function sharedData(name: string): string | undefined {
  const file = path.resolve(root, process.env.TESSERAE_TEST_DATA ?? '../shared/data', name);
  if (existsSync(file)) return file;
  console.warn(`skipped: ${name} is absent (set TESSERAE_TEST_DATA to the folder of shared data)`);
  return undefined;
}

/** A JSON file beside the tests. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(__dirname, 'fixtures', name), 'utf8')) as T;
}

/** Expects a coded error, and that its message says what the pattern says and carries a fix. */
export function expectError(body: () => unknown, code: string, message: RegExp): void {
  let caught: unknown;
  try {
    body();
  } catch (error) {
    caught = error;
  }
  expect(isTesseraeError(caught, code), `expected ${code}, found ${String(caught)}`).toBe(true);
  const error = caught as Error & { fix: string };
  expect(error.message).toMatch(message);
  expect(error.message.startsWith(`[tokenizer] ${code}: `)).toBe(true);
  expect(error.fix.length).toBeGreaterThan(0);
}

/** A small WordPiece tokenizer, as BERT's. */
export function wordPieceJson(): TokenizerJson {
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'the', 'fox', 'river', '##s', '##bank', 'by', ',', '.', '[MASK]'];
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content) => ({
      id: tokens.indexOf(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
}

/** A small BPE with byte fallback and SentencePiece's spaces, as Llama 2's. */
export function byteFallbackJson(): TokenizerJson {
  const special = ['<unk>', '<s>', '</s>'].map((piece, i) => ({
    piece,
    type: i === 0 ? PIECE.unknown : PIECE.control,
  }));
  const bytes = Array.from({ length: 256 }, (_, i) => ({
    piece: `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`,
    type: PIECE.byte,
  }));
  const letters = ['▁', 't', 'h', 'e', '▁t', 'he', '▁the', 'f', 'o', 'x'].map((piece) => ({
    piece,
    type: PIECE.normal,
  }));
  const pieces = [...special, ...bytes, ...letters].map((one, id) => ({ ...one, score: -id }));
  const model = { pieces, kind: 'bpe', byteFallback: true, characterMap: new Uint8Array(0) } as const;
  const spaces = { addDummyPrefix: true, removeExtraWhitespaces: false, escapeWhitespaces: true };
  return sentencePieceJson({ ...model, ...spaces }, { first: 1 });
}

/** Text with some of everything, to train on. */
export const SAMPLE = `The fox sat by the river, and the river didn't mind. "We'll wait," said the fox.
Ein schöner Fluß fließt; 12 fish, 1,200 coins. 森は静か 🦊🐟   spaces\t\ttabs\r\n\r\n`;
