import { describeValue } from '@tesserae/registry';
import { tokenizerError } from '../errors/tokenizer-error';
import type { EncodeOptions } from '../interface/encode-options';
import type { Tokenizer } from '../interface/tokenizer';
import { createTokenFinder } from '../trie/token-finder';

/** Calls `text` and `token` for the stretches between special tokens and for the special tokens, in order. */
export type SpecialSplitter = (
  text: string,
  visit: { text(start: number, end: number): void; token(id: number): void },
) => void;

/** A splitter that finds the longest of the tokens at the leftmost place, as the Rust tokenizers do. */
export function createSpecialSplitter(tokens: ReadonlyMap<string, number>): SpecialSplitter {
  if (tokens.size === 0) return (text, visit) => visit.text(0, text.length);
  const ids = [...tokens.values()];
  const find = createTokenFinder([...tokens.keys()]);
  return (text, visit) => {
    let done = 0;
    for (let found = find(text, 0); found; found = find(text, done)) {
      if (found.start > done) visit.text(done, found.start);
      visit.token(ids[found.index]);
      done = found.end;
    }
    if (done < text.length) visit.text(done, text.length);
  };
}

/**
 * Chooses the splitter that an encode call asks for; each choice is made once.
 *
 * @param special tokens that `parseSpecialTokens` decides about
 * @param always added tokens that are ordinary vocabulary: always found in the text
 */
export function createSplitterChoice(
  special: ReadonlyMap<string, number>,
  always: ReadonlyMap<string, number> = new Map(),
): (parse: EncodeOptions['parseSpecialTokens']) => SpecialSplitter {
  const made = new Map<string, SpecialSplitter>();
  return (parse = true) => {
    const names = chosenSpecialTokens(special, parse);
    const key = parse === true ? '*' : JSON.stringify(names);
    let splitter = made.get(key);
    if (!splitter) {
      if (made.size > 64) made.clear();
      splitter = createSpecialSplitter(
        new Map([...always, ...names.map((name) => [name, special.get(name)!] as const)]),
      );
      made.set(key, splitter);
    }
    return splitter;
  };
}

/** The special tokens that `parseSpecialTokens` names. */
export function chosenSpecialTokens(
  special: ReadonlyMap<string, number>,
  parse: NonNullable<EncodeOptions['parseSpecialTokens']>,
): string[] {
  if (parse === true) return [...special.keys()];
  if (parse === false) return [];
  if (!Array.isArray(parse))
    throw tokenizerError(
      'E_OPTION',
      `parseSpecialTokens is ${describeValue(parse)}`,
      'use true, false or a list of special tokens',
    );
  for (const name of parse) if (!special.has(name)) throw unknownSpecialToken(name, [...special.keys()]);
  return [...(parse as string[])];
}

function unknownSpecialToken(name: unknown, known: readonly string[]): Error {
  const list = known.slice(0, 12).map((token) => JSON.stringify(token));
  return tokenizerError(
    'E_SPECIAL_TOKEN',
    `${describeValue(name)} is not a special token of this tokenizer`,
    known.length === 0
      ? 'it has none; name them when you train it'
      : `it has ${list.join(', ')}${known.length > list.length ? ` and ${known.length - list.length} more` : ''}`,
    { details: { known: [...known] } },
  );
}

/**
 * The id of a special token; where `tokenToId` would answer `undefined`, this says what there is.
 *
 * @param tokenizer any tokenizer
 * @param token the token as written, such as `<|endoftext|>`
 * @returns its id
 * @throws E_SPECIAL_TOKEN when the tokenizer has no such special token
 *
 * @example
 * ```ts
 * import { specialTokenId, trainCharacterTokenizer } from '@tesserae/tokenizer';
 *
 * const tokenizer = trainCharacterTokenizer('to be or not to be', { specialTokens: ['<end>'] });
 * console.log(specialTokenId(tokenizer, '<end>')); // → 0
 * ```
 */
export function specialTokenId(tokenizer: Tokenizer, token: string): number {
  const known = tokenizer.specialTokens;
  if (!Object.hasOwn(known, token)) throw unknownSpecialToken(token, Object.keys(known));
  return known[token];
}

/** Checks a list of special tokens given for training: strings, none empty, none twice. */
export function checkSpecialTokens(tokens: unknown): asserts tokens is readonly string[] {
  if (!Array.isArray(tokens))
    throw tokenizerError('E_SPECIAL_TOKEN', `specialTokens is ${describeValue(tokens)}`, 'pass a list of strings');
  for (const [i, token] of tokens.entries()) {
    if (typeof token !== 'string' || token === '')
      throw tokenizerError(
        'E_SPECIAL_TOKEN',
        `specialTokens[${i}] is ${describeValue(token)}`,
        'a special token is a string of at least one character',
      );
    if (tokens.indexOf(token) !== i)
      throw tokenizerError('E_SPECIAL_TOKEN', `special token ${describeValue(token)} is listed twice`, 'list it once');
    if (/[\ud800-\udfff]/.test(token.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '')))
      throw tokenizerError('E_SPECIAL_TOKEN', `specialTokens[${i}] holds a lone surrogate`, 'use whole code points');
  }
}
