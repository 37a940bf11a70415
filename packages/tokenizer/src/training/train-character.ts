import { describeValue } from '@tesserae/registry';
import { characterJson } from '../character/character-json';
import { createCharacterTokenizer } from '../character/character-tokenizer';
import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import { checkSpecialTokens, createSpecialSplitter } from '../special-tokens/split';
import { eachText, emptyText } from './word-counts';

/** What kind of character tokenizer to make. */
export interface CharacterTrainingOptions {
  /** Tokens such as `<end>` that are read as one. They get the first ids, in this order. */
  specialTokens?: readonly string[];
  /** The token that stands for every character that the text did not hold. Without it, such characters are an error. */
  unknownToken?: string;
  /** Characters that occur less often are left out. Default 1. */
  minFrequency?: number;
}

/**
 * Makes a character tokenizer: one token for each code point of the text.
 *
 * Ids are: the unknown token if there is one, special tokens, characters in the order of their code points (so without
 * the first two, the ids are those of `sorted(set(text))` in Python). Lone surrogates are read as U+FFFD.
 *
 * @param texts one text, or many
 * @param options `specialTokens`, `unknownToken`, `minFrequency` (occurrences)
 * @returns the tokenizer
 * @throws E_EMPTY_TEXT without any text; E_TEXT when something is not a string; E_SPECIAL_TOKEN for an empty or
 *   repeated one; E_OPTION for anything else
 *
 * @example
 * ```ts
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 *
 * const tokenizer = trainCharacterTokenizer('hello world');
 * console.log(tokenizer.vocabSize); // → 8
 * console.log(Array.from(tokenizer.encode('hold'))); // → [ 3, 5, 4, 1 ]
 * ```
 */
export function trainCharacterTokenizer(
  texts: string | Iterable<string>,
  options: CharacterTrainingOptions = {},
): Tokenizer {
  checkOptions('trainCharacterTokenizer', options, ['specialTokens', 'unknownToken', 'minFrequency']);
  const { specialTokens = [], unknownToken, minFrequency = 1 } = options;
  if (typeof minFrequency !== 'number' || !Number.isInteger(minFrequency) || minFrequency < 1)
    throw tokenizerError(
      'E_OPTION',
      `minFrequency is ${describeValue(minFrequency)}, expected an integer of at least 1`,
      'use 1 to keep every character',
    );
  checkSpecialTokens(specialTokens);
  const specials = unknownToken === undefined ? [...specialTokens] : [unknownToken, ...specialTokens];
  checkSpecialTokens(specials);

  const counts = countCharacters(eachText('trainCharacterTokenizer', texts), specials);
  if (counts.size === 0) throw emptyText('trainCharacterTokenizer');
  const characters = [...counts.keys()]
    .filter((codePoint) => counts.get(codePoint)! >= minFrequency)
    .sort((a, b) => a - b)
    .map((codePoint) => String.fromCodePoint(codePoint))
    .filter((character) => !specials.includes(character));
  return createCharacterTokenizer(characterJson([...specials, ...characters], specials, unknownToken));
}

function countCharacters(texts: Iterable<string>, specials: readonly string[]): Map<number, number> {
  const counts = new Map<number, number>();
  const split = createSpecialSplitter(new Map(specials.map((token, id) => [token, id])));
  for (const text of texts)
    split(text, {
      text(start, end) {
        for (let at = start; at < end; at++) {
          let codePoint = text.codePointAt(at)!;
          if (codePoint > 0xffff) at++;
          else if (codePoint >= 0xd800 && codePoint <= 0xdfff) codePoint = 0xfffd;
          counts.set(codePoint, (counts.get(codePoint) ?? 0) + 1);
        }
      },
      token() {},
    });
  return counts;
}
