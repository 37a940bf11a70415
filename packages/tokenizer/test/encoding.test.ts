import { describe, expect, it } from 'vitest';
import { loadTokenizer, trainByteLevelBpe, trainCharacterTokenizer } from '@tesserae/tokenizer';
import type { Encoding } from '@tesserae/tokenizer';
import { expectError, SAMPLE, wordPieceJson } from './support';

const json = wordPieceJson();
json.post_processor!.pair = [
  { SpecialToken: { id: '[CLS]', type_id: 0 } },
  { Sequence: { id: 'A', type_id: 0 } },
  { SpecialToken: { id: '[SEP]', type_id: 0 } },
  { Sequence: { id: 'B', type_id: 1 } },
  { SpecialToken: { id: '[SEP]', type_id: 1 } },
];
const tokenizer = loadTokenizer(json);
const words = (encoding: Encoding): string => encoding.tokens.join(' ');

describe('encodeWithOffsets', () => {
  it('says where tokens stand in the text as it was given', () => {
    const text = 'The  FÓXs, 🦊by';
    const { tokens, offsets, wordIds, specialTokensMask } = tokenizer.encodeWithOffsets(text);
    expect(tokens).toEqual(['[CLS]', 'the', 'fox', '##s', ',', '[UNK]', '[SEP]']);
    expect(offsets.map(([start, end]) => text.slice(start, end))).toEqual(['', 'The', 'FÓX', 's', ',', '🦊by', '']);
    expect(wordIds).toEqual([null, 0, 1, 1, 2, 3, null]);
    expect(Array.from(specialTokensMask)).toEqual([1, 0, 0, 0, 0, 0, 1]);
  });

  it('puts pairs together', () => {
    const pair = tokenizer.encodeWithOffsets('the fox', { pair: 'by the river' });
    expect(words(pair)).toBe('[CLS] the fox [SEP] by the river [SEP]');
    expect(Array.from(pair.typeIds)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(pair.sequenceIds).toEqual([null, 0, 0, null, 1, 1, 1, null]);
    expect(pair.offsets[5]).toEqual([3, 6]);
  });

  it('cuts to a length, in windows that overlap', () => {
    const options = { truncation: true, maxLength: 5, stride: 1 } as const;
    const cut = tokenizer.encodeWithOffsets('the fox by the river , .', options);
    expect([cut, ...cut.overflowing].map(words)).toEqual([
      '[CLS] the fox by [SEP]',
      '[CLS] by the river [SEP]',
      '[CLS] river , . [SEP]',
    ]);
    const left = tokenizer.encodeWithOffsets('the fox by the', { ...options, truncationSide: 'left' });
    expect([left, ...left.overflowing].map(words)).toEqual(['[CLS] fox by the [SEP]', '[CLS] the fox [SEP]']);
  });

  it('cuts the longer of two, or the one that is named', () => {
    const cut = (truncation: 'longest_first' | 'only_first' | 'only_second'): string =>
      words(tokenizer.encodeWithOffsets('the', { pair: 'fox by the river , .', truncation, maxLength: 7 }));
    expect(cut('longest_first')).toBe('[CLS] the [SEP] fox by the [SEP]');
    expect(cut('only_second')).toBe('[CLS] the [SEP] fox by the [SEP]');
    expectError(() => cut('only_first'), 'E_TRUNCATION', /only_first cannot make room/);
  });

  it('works for every kind of tokenizer, and slices the text back', () => {
    const bpe = trainByteLevelBpe(SAMPLE, { vocabSize: 300 });
    const { ids, offsets } = bpe.encodeWithOffsets(SAMPLE);
    expect(ids).toEqual(bpe.encode(SAMPLE));
    expect(offsets[0][0]).toBe(0);
    expect(offsets.at(-1)![1]).toBe(SAMPLE.length);
    const characters = trainCharacterTokenizer('abc🦊').encodeWithOffsets('c🦊a');
    expect(characters.offsets).toEqual([
      [0, 1],
      [1, 3],
      [3, 4],
    ]);
  });

  it('refuses options out of place', () => {
    const encode = tokenizer.encodeWithOffsets as (text: unknown, options?: unknown) => unknown;
    expectError(() => encode('a', { truncate: true }), 'E_OPTION', /no option "truncate"/);
    expectError(() => encode('a', { truncation: true }), 'E_OPTION', /needs a maxLength/);
    expectError(() => encode('a', { truncation: 'middle', maxLength: 3 }), 'E_OPTION', /truncation is "middle"/);
    expectError(() => encode('a', { truncation: true, maxLength: 1 }), 'E_TRUNCATION', /template alone adds 2/);
    expectError(() => encode('a', { padding: 'max_length' }), 'E_OPTION', /needs a maxLength/);
    expectError(() => encode('a', { padToMultipleOf: 0, padding: true }), 'E_OPTION', /padToMultipleOf is 0/);
    expectError(() => encode(5), 'E_TEXT', /takes a string/);
    expectError(() => encode('a', { pair: 5 }), 'E_TEXT', /takes a string/);
    expectError(
      () => tokenizer.encodeWithOffsets('the fox by', { truncation: true, maxLength: 3, stride: 1 }),
      'E_TRUNCATION',
      /stride is 1/,
    );
  });
});

describe('encodeBatch', () => {
  it('fills up to the longest, and gives arrays in rows', () => {
    const batch = tokenizer.encodeBatch(['the fox', 'by', ['the', 'fox .']]);
    expect(batch.shape).toEqual([3, 6]);
    expect(Array.from(batch.inputIds)).toEqual([2, 4, 5, 3, 0, 0, 2, 9, 3, 0, 0, 0, 2, 4, 3, 5, 11, 3]);
    expect(Array.from(batch.attentionMask)).toEqual([1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    expect(Array.from(batch.tokenTypeIds.subarray(12))).toEqual([0, 0, 0, 1, 1, 1]);
    expect(Array.from(batch.specialTokensMask.subarray(6, 12))).toEqual([1, 0, 1, 1, 1, 1]);
  });

  it('fills up on the left, to a length, to a multiple', () => {
    const rows = (options: object): number[] => Array.from(tokenizer.encodeBatch(['the'], options).inputIds);
    expect(rows({ paddingSide: 'left', padding: 'max_length', maxLength: 5 })).toEqual([0, 0, 2, 4, 3]);
    expect(rows({ padToMultipleOf: 4 })).toEqual([2, 4, 3, 0]);
    expect(rows({ padToMultipleOf: 4, padToken: '.' })).toEqual([2, 4, 3, 11]);
    expect(rows({ padding: false })).toEqual([2, 4, 3]);
  });

  it('gives a row to each window', () => {
    const batch = tokenizer.encodeBatch(['the fox by', 'river'], { truncation: true, maxLength: 4, overflow: true });
    expect(batch.encodings.map(words)).toEqual([
      '[CLS] the fox [SEP]',
      '[CLS] by [SEP] [PAD]',
      '[CLS] river [SEP] [PAD]',
    ]);
    expect(Array.from(batch.sampleIndices)).toEqual([0, 0, 1]);
  });

  it('refuses ragged rows and a missing padding token', () => {
    expectError(() => tokenizer.encodeBatch(['the', 'the fox'], { padding: false }), 'E_RAGGED', /rows of 3 and 4/);
    const bpe = trainByteLevelBpe(SAMPLE, { vocabSize: 300 });
    expectError(() => bpe.encodeBatch(['a', 'a b c']), 'E_SPECIAL_TOKEN', /no padding token/);
    expectError(() => tokenizer.encodeBatch('the' as never), 'E_TEXT', /takes a list/);
    expectError(() => tokenizer.encodeBatch([['a']] as never), 'E_TEXT', /a pair has two texts/);
    expect(tokenizer.encodeBatch([]).shape).toEqual([0, 0]);
  });
});

describe('special tokens that are not wanted', () => {
  it('stay text, whatever the model would make of them', () => {
    const unigram = loadTokenizer({
      added_tokens: [{ id: 1, content: '</s>', special: true, normalized: false }],
      model: { type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0], ['</s>', 0], ['s', -1], ['<', -1], ['/', -1], ['>', -1]] }, // prettier-ignore
    });
    expect(Array.from(unigram.encode('</s>'))).toEqual([1]);
    expect(Array.from(unigram.encode('</s>', { parseSpecialTokens: false }))).toEqual([3, 4, 2, 5]);
  });
});

describe('regular expressions of strangers', () => {
  const load = (regex: string): unknown =>
    loadTokenizer({
      ...trainCharacterTokenizer('ab').toJSON(),
      pre_tokenizer: { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    });

  it.each(['(a+)+$', '(a|a)*b', '((a?){20})+', '(?:a*)*', '([ab]{1,3}c)+'])('%s is refused', (regex) =>
    expectError(() => load(regex), 'E_TOKENIZER_JSON', /a repetition inside a repetition/),
  );

  it.each(['(', ')', '[a', '*a', 'a{2000}', '\\p{Nope}', '\\k<x>', '(?<x', 'a'.repeat(9000), '('.repeat(100)])(
    'the pattern number %# is refused',
    (regex) => expectError(() => load(regex), 'E_TOKENIZER_JSON', /regular expression/),
  );
});
