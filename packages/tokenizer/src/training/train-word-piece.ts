import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { createNormalizer } from '../normalizers/normalizer';
import { createPipelineTokenizer } from '../pipeline/pipeline-tokenizer';
import { wellFormed } from '../pipeline/pipeline';
import { wholePiece } from '../pipeline/piece';
import { createPreTokenizer } from '../pre-tokenizers/pre-tokenizer';
import { checkSpecialTokens } from '../special-tokens/split';
import { wordPieceJson } from '../word-piece/word-piece-json';
import { learnMerges } from './learn-merges';
import type { BpeTrainingProgress } from './train-byte-level-bpe';
import { checkCount, checkVocabSize, countPieces, eachText, emptyText } from './word-counts';

/** What kind of WordPiece tokenizer to train. */
export interface WordPieceTrainingOptions {
  /** Tokens wanted. Fewer come out when the text has no more pairs to merge. */
  vocabSize: number;
  /** Pairs that occur less often are not merged. Default 2. */
  minFrequency?: number;
  /** Tokens that are never part of a word; the first ids, in this order. Default BERT's five. */
  specialTokens?: readonly string[];
  /** The special token that stands for words that cannot be written. Default `[UNK]`. */
  unknownToken?: string;
  /** Read text in lower case and without accents. Default `true`. */
  lowercase?: boolean;
  /** Take accents off. Default: as `lowercase`. */
  stripAccents?: boolean;
  /** How many different characters are kept, the most frequent ones. Default 1,000, as in BERT. */
  alphabetLimit?: number;
  /** Called after every merge. */
  onProgress?: (progress: BpeTrainingProgress) => void;
}

const NAMES = [
  'vocabSize',
  'minFrequency',
  'specialTokens',
  'unknownToken',
  'lowercase',
  'stripAccents',
  'alphabetLimit',
  'onProgress',
];
const BERT = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/**
 * Trains a WordPiece tokenizer in the form of BERT's: words and punctuation apart, `##` before what continues a word.
 *
 * The vocabulary is grown as by Hugging Face's `WordPieceTrainer`: from single characters, the most frequent pair of
 * neighbours becomes a token. (The original trainer of BERT was never published.) Of equally frequent pairs the one with
 * the smaller left id goes first, so the result depends on the texts alone. Ids are: special tokens, characters that begin
 * words, characters that continue them, merges. With `[CLS]` and `[SEP]` among the special tokens, texts get them.
 *
 * @param texts one text, or many
 * @param options `vocabSize` (tokens), and optionally the others
 * @returns the tokenizer; `decode(encode(text))` gives the text as normalized, with a space between words
 * @throws E_EMPTY_TEXT without any word; E_TEXT when something is not a string; E_VOCAB_SIZE when `vocabSize` cannot hold
 *   the special tokens; E_SPECIAL_TOKEN for an empty, repeated or missing one; E_OPTION for anything else
 * @see Schuster and Nakajima, "Japanese and Korean Voice Search", section 4; Devlin et al., "BERT", section 3
 *
 * @example
 * ```ts
 * import { trainWordPiece } from '@tesserae/tokenizer';
 *
 * const tokenizer = trainWordPiece('the cat sat on the mat, the rat sat on the cat', { vocabSize: 40 });
 * const { tokens } = tokenizer.encodeWithOffsets('The cat!');
 * console.log(tokens.join(' ')); // → [CLS] the cat [UNK] [SEP]
 * ```
 */
export function trainWordPiece(texts: string | Iterable<string>, options: WordPieceTrainingOptions): Tokenizer {
  checkOptions('trainWordPiece', options, NAMES);
  const { vocabSize, minFrequency = 2, specialTokens = BERT, unknownToken = '[UNK]', onProgress } = options;
  const { lowercase = true, stripAccents, alphabetLimit = 1000 } = options;
  checkSpecialTokens(specialTokens);
  if (!specialTokens.includes(unknownToken))
    throw tokenizerError(
      'E_SPECIAL_TOKEN',
      `unknownToken ${JSON.stringify(unknownToken)} is none of the special tokens`,
      'list it in specialTokens',
    );
  checkCount('minFrequency', minFrequency);
  checkCount('alphabetLimit', alphabetLimit);
  checkVocabSize(vocabSize, specialTokens.length + 1, `${specialTokens.length} special tokens and a character`);

  const named = (token: string): string | undefined => (specialTokens.includes(token) ? token : undefined);
  const jsonOf = (tokens: readonly string[]): TokenizerJson =>
    wordPieceJson(tokens, specialTokens, {
      lowercase,
      stripAccents: stripAccents ?? null,
      unknownToken,
      firstToken: named('[CLS]'),
      separatorToken: named('[SEP]'),
    });
  const words = countPieces(eachText('trainWordPiece', texts), specialTokens, piecesOf(jsonOf(specialTokens)));
  if (words.size === 0) throw emptyText('trainWordPiece');
  const { tokens, symbolsOf } = firstTokens(
    words,
    specialTokens,
    Math.min(alphabetLimit, vocabSize - specialTokens.length),
  );
  learnMerges(words, symbolsOf, {
    tokens,
    vocabSize,
    minFrequency,
    join: (left, right) => left + right.slice(2),
    onMerge: onProgress && ((token, count) => onProgress({ tokens: tokens.length, vocabSize, token, count })),
  });
  return createPipelineTokenizer(jsonOf(tokens));
}

/** The words of a text, as the tokenizer that is being trained will cut it. */
export function piecesOf(json: TokenizerJson): (text: string) => string[] {
  const normalize = createNormalizer(json.normalizer);
  const preTokenize = createPreTokenizer(json.pre_tokenizer);
  return (text) => preTokenize(normalize(wholePiece(wellFormed(text), false))).map((piece) => piece.text);
}

/** The vocabulary of characters, and how a word is written in it; characters that are left out are skipped. */
function firstTokens(
  words: ReadonlyMap<string, number>,
  specialTokens: readonly string[],
  limit: number,
): { tokens: string[]; symbolsOf: (word: string) => number[] } {
  const counts = new Map<string, number>();
  const continuing = new Set<string>();
  for (const [word, weight] of words) {
    let first = true;
    for (const character of word) {
      counts.set(character, (counts.get(character) ?? 0) + weight);
      if (!first) continuing.add(character);
      first = false;
    }
  }
  const byCode = (a: string, b: string): number => a.codePointAt(0)! - b.codePointAt(0)!;
  const alphabet = [...counts.keys()]
    .sort((a, b) => counts.get(b)! - counts.get(a)! || byCode(a, b))
    .slice(0, limit)
    .sort(byCode);
  const inside = alphabet.filter((character) => continuing.has(character)).map((character) => `##${character}`);
  const known = new Set(specialTokens);
  const tokens = [...specialTokens, ...alphabet.filter((token) => !known.has(token)), ...inside];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  return {
    tokens,
    symbolsOf: (word) =>
      Array.from(word, (character, i) => ids.get(i > 0 ? `##${character}` : character)).filter(
        (id): id is number => id !== undefined,
      ),
  };
}
