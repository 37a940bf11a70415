import { describeValue } from '@tesserae/registry';
import { tokenizerError } from '../errors/tokenizer-error';

/** A word as tokens. Values must not be changed: words that were met before come from a cache. */
export interface TokenizedWord {
  readonly ids: Int32Array; // [T]
  /** Where each token begins in the word, in UTF-16 units. */
  readonly starts: Int32Array; // [T]
  /** Where it ends; tokens that stand for bytes of one character share its place. */
  readonly ends: Int32Array; // [T]
}

/** Turns words into tokens. */
export interface Model {
  /** `'bpe'`, `'wordpiece'`, `'unigram'` or `'word-level'`. */
  readonly kind: string;
  readonly vocabulary: ReadonlyMap<string, number>;
  tokenize(word: string): TokenizedWord;
}

/** One token for all of a word. */
export function oneToken(id: number, length: number): TokenizedWord {
  return { ids: Int32Array.of(id), starts: Int32Array.of(0), ends: Int32Array.of(length) };
}

/** The error for a word that a vocabulary without an unknown token does not cover. */
export function unknownWord(word: string): Error {
  return tokenizerError(
    'E_UNKNOWN_CHARACTER',
    `${describeValue(word)} is not in the vocabulary, which has no unknown token`,
    'leave it out of the text, or use a tokenizer that covers it',
  );
}

/** The ids of `<0x00>` to `<0xFF>`; -1 for those that the vocabulary lacks. */
export function byteTokenIds(vocabulary: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from(
    { length: 256 },
    (_, byte) => vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) ?? -1,
  );
}
