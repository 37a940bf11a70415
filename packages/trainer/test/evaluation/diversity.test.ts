import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { bleu, createTextSimilarity, distinctN, editDistance, pearsonCorrelation, selfBleu } from '@tesserae/trainer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('distinctN', () => {
  it('counts n-grams that differ, over all texts', () => {
    expect(distinctN(['a a a a'], 1)).toBe(1 / 4);
    expect(distinctN(['A b', 'a b'], 2)).toBe(1 / 2);
    expect(distinctN(['a', 'b'], 2)).toBe(0);
  });
  it('refuses what it cannot count', () => {
    expect(() => distinctN([], 1)).toThrow('[trainer/distinctN] E_METRIC_INPUT');
    expect(() => distinctN(['a'], 0)).toThrow('n is 0');
    expect(() => distinctN([1 as never])).toThrow('text 0 is number');
  });
});

describe('selfBleu', () => {
  it('is the mean BLEU of each against the others', () => {
    const texts = ['the cat sat on the mat', 'the cat sat on a chair', 'a dog ran away'];
    const scores = texts.map(
      (text, i) => bleu([text], [texts.filter((_, j) => j !== i)], { effectiveOrder: true }).score,
    );
    expect(selfBleu(texts)).toBeCloseTo((scores[0] + scores[1] + scores[2]) / 3, 10);
  });
  it('needs two texts', () => expect(() => selfBleu(['a'])).toThrow('E_METRIC_INPUT'));
});

describe('editDistance', () => {
  it('counts edits', () => {
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('flaw', 'lawn')).toBe(2);
    expect(editDistance('👍🏽', '')).toBe(2); // code points
    expect(() => editDistance(3 as never, 'a')).toThrow('E_METRIC_INPUT');
  });
  it('is a distance', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
        expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
      { numRuns: 200 },
    );
  });
});

describe('createTextSimilarity', () => {
  const corpus = ['how do I bake bread', 'how do I cook rice', 'how do I fix a bike'];
  it('is 1 for the same, 0 for nothing in common, symmetric', () => {
    const similarity = createTextSimilarity(corpus);
    expect(similarity(corpus[0], 'Bread: bake, do I how?')).toBeCloseTo(1, 12); // order and signs do not count
    expect(similarity('bread', 'xylophone')).toBe(0);
    expect(similarity(corpus[0], corpus[1])).toBe(similarity(corpus[1], corpus[0]));
    expect(similarity('…', '!')).toBe(1);
    expect(similarity('', 'bread')).toBe(0);
  });
  it('follows its formula', () => {
    const similarity = createTextSimilarity(['ab', 'ac', 'zz']);
    // grams of ^ab$: ^a ab b$ ^ab ab$ ^ab$; ^a is in two of three texts, the others of ^ab$ in one
    const [common, rare] = [Math.log(4 / 3), Math.log(4 / 2)];
    const wanted = common ** 2 / (common ** 2 + 5 * rare ** 2);
    expect(similarity('ab', 'ac')).toBeCloseTo(wanted, 12);
  });
  it('refuses what it cannot read', () => {
    expect(() => createTextSimilarity([])).toThrow('E_METRIC_INPUT');
    expect(() => createTextSimilarity(corpus)('a', 1 as never)).toThrow('text 1 is number');
  });

  const folder = path.join(process.env.TESSERAE_TEST_DATA ?? path.join('..', 'shared', 'data'), 'paraphrase');
  it.skipIf(!existsSync(folder)).each([
    ['answer-answer', 0.64],
    ['postediting', 0.85],
    ['question-question', 0.64],
  ])('agrees with people about %s', (name, wanted) => {
    const lines = readFileSync(path.join(folder, `sts2016_${name}.tsv`), 'utf8')
      .split(/\r?\n/)
      .slice(1);
    const pairs = lines.filter((line) => line !== '').map((line) => line.split('\t'));
    const similarity = createTextSimilarity(pairs.flatMap(([, a, b]) => [a, b]));
    const found = pairs.map(([, a, b]) => similarity(a, b));
    const ratings = pairs.map(([rating]) => Number(rating));
    expect(pearsonCorrelation(found, ratings)).toBeGreaterThan(wanted);
  });
});
