import { loadTokenizer } from '@tesserae/tokenizer';
import type { AddedTokenJson, TokenizerJson } from '@tesserae/tokenizer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenFinder } from '../src/trie/token-finder';

/** The longest at the leftmost place, the slow way. */
function slowly(texts: readonly string[], text: string, from: number): [number, number, number] | undefined {
  for (let start = from; start < text.length; start++) {
    const found = texts
      .map((one, index) => ({ one, index }))
      .filter(({ one }) => one !== '' && text.startsWith(one, start))
      .sort((a, b) => b.one.length - a.one.length || a.index - b.index);
    if (found.length > 0) return [start, start + found[0].one.length, found[0].index];
  }
  return undefined;
}

const added = (content: string, id: number, more: Partial<AddedTokenJson> = {}): AddedTokenJson => ({
  id,
  content,
  special: false,
  normalized: false,
  single_word: false,
  lstrip: false,
  rstrip: false,
  ...more,
});

const withTokens = (tokens: readonly AddedTokenJson[], lower = false): TokenizerJson => ({
  version: '1.0',
  added_tokens: tokens as AddedTokenJson[],
  normalizer: lower ? { type: 'Lowercase' } : null,
  pre_tokenizer: { type: 'Whitespace' },
  model: { type: 'WordLevel', vocab: { '[UNK]': 0 }, unk_token: '[UNK]' },
});

describe('finding tokens', () => {
  it('gives the longest at the leftmost place, and of equal ones the first', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🦊'), maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 6 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🦊', 'c'), maxLength: 20 }),
        fc.nat(4),
        (texts, text, from) => {
          const found = createTokenFinder(texts)(text, from);
          expect(found && [found.start, found.end, found.index]).toEqual(slowly(texts, text, from));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds nothing among nothing', () => {
    expect(createTokenFinder([])('abc', 0)).toBeUndefined();
    expect(createTokenFinder([''])('abc', 0)).toBeUndefined();
  });
});

// What the tokenizers library (0.23.2) gives.
describe('added tokens', () => {
  const ids = (json: TokenizerJson, text: string): number[] => Array.from(loadTokenizer(json).encode(text));

  it('may begin in the space that the one before took', () => {
    const json = withTokens([added('<a>', 1, { rstrip: true }), added(' x', 2), added('x', 3)]);
    expect(ids(json, '<a> x')).toEqual([1, 2]);
    expect(ids(json, '<a> xx')).toEqual([1, 2, 3]);
    expect(loadTokenizer(json).encodeWithOffsets('<a>  x y').offsets).toEqual([
      [0, 5],
      [4, 6],
      [7, 8],
    ]);
    const both = withTokens([added('<a>', 1, { lstrip: true, rstrip: true }), added('x', 3, { lstrip: true })]);
    expect(loadTokenizer(both).encodeWithOffsets('  <a>  x q').offsets).toEqual([
      [0, 7],
      [7, 8],
      [9, 10],
    ]);
  });

  it('may be many', () => {
    const many = Array.from({ length: 200_000 }, (_, i) => added(`<extra_${i}>`, i + 1));
    const tokenizer = loadTokenizer(withTokens(many));
    const text = 'some words and <extra_199999><extra_19> '.repeat(2000);
    expect(Array.from(tokenizer.encode(text).subarray(0, 5))).toEqual([0, 0, 0, 200_000, 20]);
  }, 20_000);
});
