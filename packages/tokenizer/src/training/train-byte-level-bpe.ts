import { describeValue } from '@tesserae/registry';
import { alphabetInVocabularyOrder, byteAlphabet } from '../byte-level/alphabet';
import { byteLevelBpeJson, specialTokenJson } from '../byte-level/build-json';
import { createByteLevelBpe } from '../byte-level/byte-level-bpe';
import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import { checkSpecialTokens } from '../special-tokens/split';
import { learnMerges } from './learn-merges';
import { countWords, eachText, emptyText } from './word-counts';

/** How far training has come. */
export interface BpeTrainingProgress {
  /** Tokens so far, special tokens and bytes included. */
  tokens: number;
  /** Tokens wanted. */
  vocabSize: number;
  /** The token that was made last, in the byte alphabet (`Ġ` is a space). */
  token: string;
  /** How often its pair occurred. */
  count: number;
}

/** What kind of byte-level BPE tokenizer to train. */
export interface ByteLevelBpeTrainingOptions {
  /** Tokens wanted, at least 256 and the special tokens. Fewer come out when the text has no more pairs to merge. */
  vocabSize: number;
  /** Pairs that occur less often are not merged. Default 2: what occurs once saves nothing. */
  minFrequency?: number;
  /** Tokens that are never part of a word, such as `<|endoftext|>`. They get the first ids, in this order. */
  specialTokens?: readonly string[];
  /** Called after every merge. */
  onProgress?: (progress: BpeTrainingProgress) => void;
}

/**
 * Trains a byte-level BPE tokenizer: from the 256 bytes up, the most frequent pair of neighbours becomes a token, until
 * there are `vocabSize`. Text is first cut into words as GPT-2 does, and no token crosses a word.
 *
 * Every text can be encoded, since every byte is a token. The result depends on the texts alone: of pairs that are
 * equally frequent, the one with the smaller left id goes first, then the one with the smaller right id. Ids are:
 * special tokens, bytes (in the order of their characters), merges. These are the rules of Hugging Face's trainer,
 * whose vocabulary and merges come out the same.
 *
 * @param texts one text, or many; no word spans two texts
 * @param options `vocabSize` (tokens), and optionally `minFrequency` (occurrences), `specialTokens`, `onProgress`
 * @returns the tokenizer
 * @throws E_EMPTY_TEXT without any text; E_TEXT when something is not a string; E_VOCAB_SIZE when `vocabSize` cannot
 *   hold the bytes and special tokens; E_SPECIAL_TOKEN for an empty or repeated one; E_OPTION for anything else
 * @see Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", algorithm 1;
 *   Radford et al., "Language Models are Unsupervised Multitask Learners", section 2.2
 *
 * @example
 * ```ts
 * import { trainByteLevelBpe } from '@tesserae/tokenizer';
 *
 * const tokenizer = trainByteLevelBpe('the cat sat on the mat, the rat sat on the cat', {
 *   vocabSize: 270,
 *   specialTokens: ['<|endoftext|>'],
 * });
 * const ids = tokenizer.encode('the bat 🦇');
 * console.log(tokenizer.decode(ids)); // → the bat 🦇
 * ```
 */
export function trainByteLevelBpe(texts: string | Iterable<string>, options: ByteLevelBpeTrainingOptions): Tokenizer {
  checkOptions('trainByteLevelBpe', options, ['vocabSize', 'minFrequency', 'specialTokens', 'onProgress']);
  const { vocabSize, minFrequency = 2, specialTokens = [], onProgress } = options;
  checkSpecialTokens(specialTokens);
  checkNumbers(vocabSize, minFrequency, specialTokens.length);

  const tokens = [...specialTokens, ...alphabetInVocabularyOrder()];
  const repeated = specialTokens.find((token) => tokens.indexOf(token, specialTokens.length) >= 0);
  if (repeated !== undefined)
    throw tokenizerError(
      'E_SPECIAL_TOKEN',
      `special token ${describeValue(repeated)} is also the name of a byte`,
      'use a longer special token, such as <|endoftext|>',
    );
  const words = countWords(eachText('trainByteLevelBpe', texts), specialTokens);
  if (words.size === 0) throw emptyText('trainByteLevelBpe');
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const byteIds = Int32Array.from(byteAlphabet().characters, (character) => idOf.get(character)!);
  const utf8 = new TextEncoder();
  const symbolsOf = (word: string): Int32Array => Int32Array.from(utf8.encode(word), (byte) => byteIds[byte]);
  const merges = learnMerges(words, symbolsOf, {
    tokens,
    vocabSize,
    minFrequency,
    onMerge: onProgress && ((token, count) => onProgress({ tokens: tokens.length, vocabSize, token, count })),
  });
  return createByteLevelBpe(
    byteLevelBpeJson(
      Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges.map(([left, right]) => `${tokens[left]} ${tokens[right]}`),
      specialTokens.map(specialTokenJson),
    ),
  );
}

function checkNumbers(vocabSize: unknown, minFrequency: unknown, specials: number): void {
  const least = 256 + specials;
  if (typeof vocabSize !== 'number' || !Number.isInteger(vocabSize) || vocabSize < least || vocabSize > 1 << 24)
    throw tokenizerError(
      'E_VOCAB_SIZE',
      `vocabSize is ${describeValue(vocabSize)}, expected an integer from ${least} (256 bytes and ${specials} special tokens) to ${1 << 24}`,
      `use ${least} or more`,
    );
  if (typeof minFrequency !== 'number' || !Number.isInteger(minFrequency) || minFrequency < 1)
    throw tokenizerError(
      'E_OPTION',
      `minFrequency is ${describeValue(minFrequency)}, expected an integer of at least 1`,
      'use 1 to merge everything, 2 to leave out what occurs once',
    );
}
