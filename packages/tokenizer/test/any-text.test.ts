import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer, trainUnigram, trainWordPiece } from '@tesserae/tokenizer';
import { byteFallbackJson, SAMPLE } from './support';

/** Any UTF-16 units, lone surrogates too, among words that the tokenizers know. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
      fc.constantFrom(
        ' ',
        '  ',
        '\n',
        '\t',
        'the',
        ' fox',
        'River',
        'é',
        'e\u0301',
        'ﬁ',
        '森',
        '👩‍👧',
        '▁',
        '[SEP]',
        '</s>',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe.each([
  ['WordPiece', trainWordPiece(SAMPLE, { vocabSize: 160 })],
  ['Unigram', trainUnigram(SAMPLE, { vocabSize: 120, specialTokens: ['<unk>', '</s>'] })],
  ['Unigram with bytes', trainUnigram(SAMPLE, { vocabSize: 380, byteFallback: true, normalization: 'none' })],
  ["SentencePiece's BPE", loadTokenizer(byteFallbackJson())],
])('%s, for any text', (_, tokenizer) => {
  it('gives tokens that stand in the text, in order, the same with and without offsets', () => {
    fc.assert(
      fc.property(text, (given) => {
        const { ids, offsets } = tokenizer.encodeWithOffsets(given);
        expect(Array.from(ids)).toEqual(Array.from(tokenizer.encode(given)));
        let before = 0;
        for (const [i, [start, end]] of offsets.entries()) {
          if (start === end) continue; // a token that the text does not hold
          expect(start).toBeGreaterThanOrEqual(before);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(given.length);
          before = start;
          const token = tokenizer.idToToken(ids[i])!.replace(/^##|▁/g, '');
          // What is ASCII in the text is the token itself, but for case.
          const slice = given.slice(start, end);
          if (/^[a-z]+$/i.test(slice) && /^[a-z]+$/i.test(token)) expect(slice.toLowerCase()).toBe(token.toLowerCase());
        }
      }),
      { numRuns: 500 },
    );
  });

  it('decodes in a stream what it decodes at once, without half characters', () => {
    const ofText = text.map((one) => Array.from(tokenizer.encode(one)));
    const any = fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize - 1 }), { maxLength: 20 });
    const zero = tokenizer.tokenToId('<0x00>') ?? 0; // where there are bytes: mostly runs of them, few of which are UTF-8
    const bytes = fc.array(fc.integer({ min: zero, max: Math.min(zero + 255, tokenizer.vocabSize - 1) }), {
      maxLength: 9,
    });
    const mixed = fc.array(fc.oneof(any, bytes, ofText), { maxLength: 4 }).map((lists) => lists.flat());
    fc.assert(
      fc.property(fc.oneof(any, ofText, mixed), fc.boolean(), (list, skip) => {
        const options = { skipSpecialTokens: skip };
        const stream = tokenizer.createDecodeStream(options);
        const parts = [...list.map((id) => stream.push(id)), stream.end()];
        expect(parts.join('')).toBe(tokenizer.decode(list, options));
        for (const part of parts) expect(part).not.toMatch(/\p{Cs}/u);
      }),
      { numRuns: 300 },
    );
  });
});
