import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer, trainByteLevelBpe, trainCharacterTokenizer } from '@tesserae/tokenizer';
import type { BpeTrainingProgress } from '@tesserae/tokenizer';
import { expectError, fixture, SAMPLE, sharedData } from './support';

interface TrainerFixture {
  texts: string[];
  runs: {
    vocabSize: number;
    minFrequency: number;
    specialTokens: string[];
    tokens: string[];
    merges: string[];
    cases: { text: string; ids: number[]; decoded: string; decoded_without_special: string }[];
  }[];
}

describe('training byte-level BPE', () => {
  const reference = fixture<TrainerFixture>('hugging-face-trainer.json');

  it.each(reference.runs)("learns what Hugging Face's trainer learns: $vocabSize tokens", (run) => {
    const { vocabSize, minFrequency, specialTokens } = run;
    const tokenizer = trainByteLevelBpe(reference.texts, { vocabSize, minFrequency, specialTokens });
    const { model } = tokenizer.toJSON();
    expect(Object.keys(model.vocab).sort()).toEqual([...run.tokens].sort());
    expect(run.tokens.map((token) => tokenizer.tokenToId(token))).toEqual(run.tokens.map((_, id) => id));
    expect(model.merges).toEqual(run.merges);
    for (const { text, ids, decoded, decoded_without_special: without } of run.cases) {
      expect(Array.from(tokenizer.encode(text)), JSON.stringify(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(without);
    }
  });

  // SHA-256 of the 3,840 merges that Hugging Face's trainer (tokenizers 0.23.2) makes of the file, a line each
  const texts = [
    ['tinyshakespeare', '9029e9e017c51397dec4d7d7c869f74b44cdf553c7fd7bd582182c608adc787a'],
    ['federalist_papers', '162a8956a2db3be513f925b67dea4b53235088d0b170bdf872d4ffacfaad3ce8'],
    ['python_peps', '79efa6e473757b900866c942b385ce6b86b135edf43145d5a81a329866102e8b'],
  ].map(([name, hash]) => ({ name, hash, file: sharedData(`text/${name}.txt`) }));
  for (const { name, hash, file } of texts)
    it.skipIf(file === undefined)(`learns the same 4,096 tokens from ${name}`, () => {
      const text = readFileSync(file!, 'utf8');
      const tokenizer = trainByteLevelBpe(text, { vocabSize: 4096 });
      expect(tokenizer.vocabSize).toBe(4096);
      const merges = tokenizer.toJSON().model.merges as string[];
      expect(createHash('sha256').update(merges.join('\n')).digest('hex')).toBe(hash);
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    });

  it('breaks ties by the smaller ids, whatever the order of the texts', () => {
    const texts = ['cd cd', 'ab ab', 'ba ba'];
    const merges = (list: string[]): unknown => trainByteLevelBpe(list, { vocabSize: 260 }).toJSON().model.merges;
    expect(merges(texts)).toEqual(['a b', 'b a', 'c d']); // ids of a < b < c; pairs with a space occur once each
    expect(merges([...texts].reverse())).toEqual(merges(texts));
  });

  it('merges overlapping pairs from the left', () => {
    const tokenizer = trainByteLevelBpe('aaaaa', { vocabSize: 258, minFrequency: 1 });
    expect(tokenizer.toJSON().model.merges).toEqual(['a a', 'aa a']); // aa aa a: (aa, aa) and (aa, a) occur once each
    expect(Array.from(tokenizer.encode('aaa'), (id) => tokenizer.idToToken(id))).toEqual(['aaa']);
  });

  it('stops early when there is nothing left to merge', () => {
    const tokenizer = trainByteLevelBpe('abcabc', { vocabSize: 5000 });
    expect(tokenizer.vocabSize).toBe(258);
    expect(tokenizer.toJSON().model.merges).toEqual(['a b', 'ab c']); // (abc, abc) occurs once
  });

  it('never lets a special token become part of a word', () => {
    const end = '<|end|>';
    const text = `ab${end}`.repeat(50);
    const tokenizer = trainByteLevelBpe(text, { vocabSize: 400, specialTokens: [end] });
    expect(tokenizer.toJSON().model.merges).toEqual(['a b']);
    expect(tokenizer.specialTokens).toEqual({ [end]: 0 });
    expect(Array.from(tokenizer.encode(`ab${end}`))).toEqual([tokenizer.tokenToId('ab'), 0]);
  });

  it('tells of every merge', () => {
    const seen: BpeTrainingProgress[] = [];
    const tokenizer = trainByteLevelBpe(SAMPLE, { vocabSize: 280, onProgress: (progress) => seen.push(progress) });
    const merges = tokenizer.toJSON().model.merges as string[];
    expect(seen.map(({ token }) => token)).toEqual(merges.map((merge) => merge.replace(' ', '')));
    expect(seen.at(-1)).toMatchObject({ tokens: tokenizer.vocabSize, vocabSize: 280 });
    for (let i = 1; i < seen.length; i++) expect(seen[i].count).toBeLessThanOrEqual(seen[i - 1].count);
  });

  it('takes one word of 300,000 letters without a rescan for each merge', () => {
    let state = 1;
    const letter = (): string =>
      String.fromCharCode(97 + (((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16) % 26));
    const word = Array.from({ length: 300_000 }, letter).join('');
    const tokenizer = trainByteLevelBpe(word, { vocabSize: 2048 });
    expect(tokenizer.vocabSize).toBe(2048);
    expect(tokenizer.decode(tokenizer.encode(word))).toBe(word);
  });

  it('refuses bad input', () => {
    const train = trainByteLevelBpe as (texts: unknown, options?: unknown) => unknown;
    expectError(() => train('', { vocabSize: 300 }), 'E_EMPTY_TEXT', /no text/);
    expectError(() => train([], { vocabSize: 300 }), 'E_EMPTY_TEXT', /no text/);
    expectError(() => train(['<e>', ''], { vocabSize: 300, specialTokens: ['<e>'] }), 'E_EMPTY_TEXT', /no text/);
    expectError(() => train(12, { vocabSize: 300 }), 'E_TEXT', /string or an iterable of strings, found 12/);
    expectError(() => train(['a', null], { vocabSize: 300 }), 'E_TEXT', /text 1 .* is null/);
    expectError(() => train('a', { vocabSize: 255 }), 'E_VOCAB_SIZE', /255, expected an integer from 256 /);
    expectError(() => train('a', { vocabSize: 256, specialTokens: ['<e>'] }), 'E_VOCAB_SIZE', /from 257 /);
    expectError(() => train('a', { vocabSize: 300.5 }), 'E_VOCAB_SIZE', /300\.5/);
    expectError(() => train('a', {}), 'E_VOCAB_SIZE', /undefined/);
    expectError(() => train('a'), 'E_OPTION', /object of options, found undefined/);
    expectError(() => train('a', { vocabSize: 300, minFrequency: 0 }), 'E_OPTION', /minFrequency is 0/);
    expectError(
      () => train('a', { vocabSize: 300, vocabulary: 5 }),
      'E_OPTION',
      /no option "vocabulary"; the options are vocabSize/,
    );
    expectError(() => train('a', { vocabSize: 300, specialTokens: ['<e>', '<e>'] }), 'E_SPECIAL_TOKEN', /listed twice/);
    expectError(
      () => train('a', { vocabSize: 300, specialTokens: [''] }),
      'E_SPECIAL_TOKEN',
      /specialTokens\[0\] is ""/,
    );
    expectError(() => train('a', { vocabSize: 300, specialTokens: 'x' }), 'E_SPECIAL_TOKEN', /specialTokens is "x"/);
    expectError(() => train('a', { vocabSize: 300, specialTokens: ['a'] }), 'E_SPECIAL_TOKEN', /name of a byte/);
    expectError(() => train('a', { vocabSize: 300, specialTokens: ['<\ud800>'] }), 'E_SPECIAL_TOKEN', /lone surrogate/);
  });
});

describe('character tokenizers', () => {
  it('number the characters as sorted(set(text)) does', () => {
    const tokenizer = trainCharacterTokenizer('be🦊a\uffe6 a');
    expect(Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id))).toEqual([
      ' ',
      'a',
      'b',
      'e',
      '\uffe6',
      '🦊',
    ]);
  });

  it('say which character is unknown, and where', () => {
    const tokenizer = trainCharacterTokenizer('abc');
    expectError(() => tokenizer.encode('ab\u00e9'), 'E_UNKNOWN_CHARACTER', /"é" \(U\+00E9\) at position 2/);
  });

  it('give unknown characters the unknown token, one each', () => {
    const tokenizer = trainCharacterTokenizer('abc', { unknownToken: '<unk>', specialTokens: ['<end>'] });
    expect(Array.from(tokenizer.encode('aé🦊c<end>'))).toEqual([2, 0, 0, 4, 1]);
    expect(tokenizer.decode([2, 0, 0, 4, 1])).toBe('a<unk><unk>c<end>');
    expect(tokenizer.decode([2, 0, 0, 4, 1], { skipSpecialTokens: true })).toBe('ac');
  });

  it('leave out rare characters when asked', () => {
    expect(trainCharacterTokenizer('aab', { minFrequency: 2 }).vocabSize).toBe(1);
  });

  it('run the same in the library', () => {
    for (const unknownToken of [undefined, '<unk>']) {
      const tokenizer = trainCharacterTokenizer(SAMPLE, { unknownToken, specialTokens: ['<end>'] });
      const library = loadTokenizer(tokenizer.toJSON(), { engine: 'hugging-face' });
      for (const text of [SAMPLE, 'fox <end>\n\n🦊', unknownToken ? 'Q ξ Q' : '']) {
        expect(library.encode(text)).toEqual(tokenizer.encode(text));
        expect(library.decode(library.encode(text))).toBe(tokenizer.decode(tokenizer.encode(text)));
      }
    }
  });

  it('refuse bad input', () => {
    const train = trainCharacterTokenizer as (texts: unknown, options?: unknown) => unknown;
    expectError(() => train(''), 'E_EMPTY_TEXT', /no text/);
    expectError(() => train(undefined), 'E_TEXT', /found undefined/);
    expectError(() => train('a', { vocabSize: 5 }), 'E_OPTION', /no option "vocabSize"/);
    expectError(() => train('a', { minFrequency: '2' }), 'E_OPTION', /minFrequency is "2"/);
    expectError(() => train('a', { unknownToken: '<u>', specialTokens: ['<u>'] }), 'E_SPECIAL_TOKEN', /listed twice/);
  });
});
