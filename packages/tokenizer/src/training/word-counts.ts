import { describeValue } from '@tesserae/registry';
import { wordEnd } from '../byte-level/words';
import { tokenizerError } from '../errors/tokenizer-error';
import { createSpecialSplitter } from '../special-tokens/split';

/** The texts of a training call: one string is one text. Each is checked as it is read. */
export function* eachText(caller: string, texts: string | Iterable<string>): Generator<string> {
  if (typeof texts === 'string') return yield texts;
  if (typeof texts !== 'object' || texts === null || typeof texts[Symbol.iterator] !== 'function')
    throw tokenizerError(
      'E_TEXT',
      `${caller} takes a string or an iterable of strings, found ${describeValue(texts)}`,
      'pass the text, or a list or generator of texts',
    );
  let index = 0;
  for (const text of texts as Iterable<unknown>) {
    if (typeof text !== 'string')
      throw tokenizerError(
        'E_TEXT',
        `text ${index} of ${caller} is ${describeValue(text)}`,
        'every text must be a string',
      );
    index++;
    yield text;
  }
}

/** The error for training on nothing. */
export function emptyText(caller: string): Error {
  return tokenizerError('E_EMPTY_TEXT', `${caller} was given no text`, 'pass at least one character to learn from');
}

/** How often each word occurs, as a tokenizer's own normalizer and pre-tokenizer cut; special tokens are no words. */
export function countPieces(
  texts: Iterable<string>,
  specialTokens: readonly string[],
  pieces: (text: string) => Iterable<string>,
): Map<string, number> {
  const counts = new Map<string, number>();
  const split = createSpecialSplitter(new Map(specialTokens.map((token, id) => [token, id])));
  for (const text of texts)
    split(text, {
      text(start, end) {
        for (const word of pieces(text.slice(start, end))) counts.set(word, (counts.get(word) ?? 0) + 1);
      },
      token() {},
    });
  return counts;
}

/** Throws E_VOCAB_SIZE unless `vocabSize` is an integer that holds what a vocabulary needs. */
export function checkVocabSize(vocabSize: unknown, least: number, what: string): asserts vocabSize is number {
  if (typeof vocabSize === 'number' && Number.isInteger(vocabSize) && vocabSize >= least && vocabSize <= 1 << 24)
    return;
  throw tokenizerError(
    'E_VOCAB_SIZE',
    `vocabSize is ${describeValue(vocabSize)}, expected an integer from ${least} (${what}) to ${1 << 24}`,
    `use ${least} or more`,
  );
}

/** Throws E_OPTION unless a number is an integer of at least 1. */
export function checkCount(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw tokenizerError(
      'E_OPTION',
      `${name} is ${describeValue(value)}, expected an integer of at least 1`,
      'use 1 or more',
    );
}

/** How often each word (in GPT-2's pre-tokenization) occurs; special tokens in the text are no part of any word. */
export function countWords(texts: Iterable<string>, specialTokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  const split = createSpecialSplitter(new Map(specialTokens.map((token, id) => [token, id])));
  for (const text of texts)
    split(text, {
      text(start, end) {
        while (start < end) {
          const after = wordEnd(text, start, end);
          const word = text.slice(start, after);
          counts.set(word, (counts.get(word) ?? 0) + 1);
          start = after;
        }
      },
      token() {},
    });
  return counts;
}
