import { describeValue, tokenizerError } from '../errors/tokenizer-error';
import type { TokenizerModelJson } from '../interface/tokenizer-json';
import { bpeModel } from './bpe';
import { unigramModel } from './unigram';
import { wordLevelModel } from './word-level';
import { wordPieceModel } from './word-piece';

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

/**
 * Makes the model of a checked file.
 *
 * @param hidden tokens that no text may become: special tokens that are not wanted
 */
export function createModel(json: TokenizerModelJson, hidden: ReadonlySet<string>): Model {
  const type = json.type ?? guessType(json);
  const model =
    type === 'BPE'
      ? bpeModel(json, hidden)
      : type === 'WordPiece'
        ? wordPieceModel(json, hidden)
        : type === 'Unigram'
          ? unigramModel(json, hidden)
          : wordLevelModel(json, hidden);
  return { ...model, tokenize: remembering(model.tokenize) };
}

/** Old files do not say of which kind they are. */
function guessType(json: TokenizerModelJson): string {
  if (Array.isArray(json.vocab)) return 'Unigram';
  if (json.merges !== undefined) return 'BPE';
  return json.continuing_subword_prefix === undefined ? 'WordLevel' : 'WordPiece';
}

const LONGEST_REMEMBERED = 48;
const MOST_REMEMBERED = 65_536;

function remembering(tokenize: Model['tokenize']): Model['tokenize'] {
  const known = new Map<string, TokenizedWord>();
  return (word) => {
    const before = known.get(word);
    if (before) return before;
    const tokens = tokenize(word);
    if (word.length <= LONGEST_REMEMBERED) {
      if (known.size >= MOST_REMEMBERED) known.clear();
      known.set(word.length < 13 ? word : word.split('').join(''), tokens); // a long slice would keep its whole text
    }
    return tokens;
  };
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
