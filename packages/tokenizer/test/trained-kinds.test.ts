import { describe, expect, it } from 'vitest';
import { loadTokenizer, trainUnigram, trainWordPiece } from '@tesserae/tokenizer';
import { describeTokenizerContract } from '@tesserae/tokenizer/testing';
import { digamma } from '../src/unigram/learn-pieces';
import { expectError, SAMPLE } from './support';

const runner = { describe, it };
describeTokenizerContract(
  {
    name: 'WordPiece, trained',
    create: () => trainWordPiece(SAMPLE, { vocabSize: 200 }),
    texts: ['the fox by the river', 'said the fish'],
  },
  runner,
);
describeTokenizerContract(
  {
    name: 'Unigram, trained',
    create: () => trainUnigram(SAMPLE, { vocabSize: 150, specialTokens: ['<pad>', '<unk>', '</s>'] }),
    texts: ['the fox by the river', 'spaces'],
  },
  runner,
);
describeTokenizerContract(
  {
    name: 'Unigram with bytes, which keeps every character',
    create: () => trainUnigram(SAMPLE, { vocabSize: 400, byteFallback: true, normalization: 'none' }),
    texts: [SAMPLE],
    anyText: true,
  },
  runner,
);

describe('trainWordPiece', () => {
  it('merges the most frequent pairs, in lower case', () => {
    const tokenizer = trainWordPiece('Hug hugs HUG bug', { vocabSize: 60, minFrequency: 2 });
    expect(tokenizer.encodeWithOffsets('HUGS bugs').tokens).toEqual([
      '[CLS]',
      'hug',
      '##s',
      'b',
      '##ug',
      '##s',
      '[SEP]',
    ]);
    expect(tokenizer.vocabSize).toBe(15);
  });

  it('is the same each time, and again from tokenizer.json', () => {
    const [a, b] = [1, 2].map(() => trainWordPiece(SAMPLE, { vocabSize: 120 }));
    expect(b.toJSON()).toEqual(a.toJSON());
    expect(loadTokenizer(a.toJSON()).encode(SAMPLE)).toEqual(a.encode(SAMPLE));
  });

  it('refuses bad input', () => {
    expectError(() => trainWordPiece('', { vocabSize: 100 }), 'E_EMPTY_TEXT', /no text/);
    expectError(() => trainWordPiece('a', { vocabSize: 5 }), 'E_VOCAB_SIZE', /vocabSize is 5/);
    expectError(() => trainWordPiece('a', { vocabSize: 50, specialTokens: [] }), 'E_SPECIAL_TOKEN', /unknownToken/);
    expectError(() => trainWordPiece('a', { vocabSize: 50, size: 1 } as never), 'E_OPTION', /no option "size"/);
    expectError(() => trainWordPiece('a', { vocabSize: 50, minFrequency: 0 }), 'E_OPTION', /minFrequency is 0/);
  });
});

describe('trainUnigram', () => {
  it('finds words, and likelihood grows while the vocabulary stays', () => {
    const text = 'abcabc abc xyz xyzabc '.repeat(50);
    const steps: { pieces: number; logLikelihood: number }[] = [];
    const tokenizer = trainUnigram(text, { vocabSize: 16, onProgress: (step) => steps.push(step) });
    expect(tokenizer.encodeWithOffsets('xyz abc').tokens).toEqual(['▁xyz', '▁abc']);
    for (let i = 1; i < steps.length; i += 2)
      expect(steps[i].logLikelihood).toBeGreaterThanOrEqual(steps[i - 1].logLikelihood - 1e-9);
  });

  it('gives the vocabulary asked for, every character in it, the same each time', () => {
    const [a, b] = [1, 2].map(() => trainUnigram(SAMPLE.repeat(3), { vocabSize: 62 }));
    expect(b.toJSON()).toEqual(a.toJSON());
    expect(a.vocabSize).toBe(62);
    expect(a.encode(SAMPLE)).not.toContain(a.tokenToId('<unk>'));
    expect(loadTokenizer(a.toJSON()).encode(SAMPLE)).toEqual(a.encode(SAMPLE));
  });

  it('estimates with digamma', () => {
    expect(digamma(1)).toBeCloseTo(-0.5772156649015329, 9);
    expect(digamma(0.5)).toBeCloseTo(-1.9635100260214235, 9);
    expect(digamma(100)).toBeCloseTo(4.600161852738087, 9);
  });

  it('refuses bad input', () => {
    expectError(() => trainUnigram(' ', { vocabSize: 100 }), 'E_EMPTY_TEXT', /no text/);
    expectError(() => trainUnigram('a', { vocabSize: 200, byteFallback: true }), 'E_VOCAB_SIZE', /257 special tokens/);
    expectError(() => trainUnigram('a', { vocabSize: 9, normalization: 'x' as never }), 'E_OPTION', /normalization/);
    expectError(() => trainUnigram('a', { vocabSize: 9, unknownToken: '?' }), 'E_SPECIAL_TOKEN', /unknownToken/);
  });
});
