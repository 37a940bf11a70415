import { describe, expect, it } from 'vitest';
import { loadTokenizer, specialTokenId, trainByteLevelBpe, trainCharacterTokenizer } from '@tesserae/tokenizer';
import type { TokenizerJson } from '@tesserae/tokenizer';
import { byteFallbackJson, expectError, wordPieceJson } from './support';

/** `<e>`, 256 bytes, and the five tokens that merging makes of ` the cat`. */
const bpe = (): TokenizerJson =>
  structuredClone(trainByteLevelBpe(' the the cat cat', { vocabSize: 262, specialTokens: ['<e>'] }).toJSON());

/** The content of a good file with one thing changed. */
function changed(change: (json: Record<string, never> & TokenizerJson) => void, from = bpe): TokenizerJson {
  const json = from();
  change(json as never);
  return json;
}

describe('tokenizer.json from a stranger', () => {
  const load = loadTokenizer as (content: unknown) => unknown;
  const refused = (json: unknown, message: RegExp): void => expectError(() => load(json), 'E_TOKENIZER_JSON', message);
  const set = (json: object, path: string, value: unknown): void => {
    const names = path.split('.');
    let at = json as Record<string, unknown>;
    for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
    at[names.at(-1)!] = value;
  };

  it('is refused when it is not an object with a model', () => {
    for (const content of [null, undefined, 5, [], true]) refused(content, /expected an object/);
    refused({}, /model is undefined/);
    refused({ model: [] }, /model is \[\]/);
    refused({ model: { type: 'BPE' } }, /model\.vocab is undefined/);
    refused({ model: { type: 7, vocab: { a: 0 } } }, /model\.type is 7/);
    refused(
      { model: { type: 'Psychic', vocab: { a: 0 }, merges: [] } },
      /model\.type is "Psychic", expected one of BPE/,
    );
  });

  it.each([
    ['model.vocab', {}, /vocab is empty/],
    ['model.vocab', 'abc', /model\.vocab is "abc"/],
    ['model.vocab', [['a', 0]], /is an array/],
    ['model.vocab.Ġthe', -1, /model\.vocab\["Ġthe"\] is -1, expected an integer/],
    ['model.vocab.Ġthe', 1.5, /is 1\.5, expected an integer/],
    ['model.vocab.Ġthe', 4e9, /is 4000000000, expected an integer in 0…16777215/],
    ['model.vocab.Ġthe', '7', /is "7"/],
    ['model.vocab.Ġthe', 3, /have the same id 3/],
    ['model.merges', undefined, /model\.merges is undefined/],
    ['model.merges', { 0: 'a b' }, /expected an array/],
    ['model.merges', ['ab'], /merges\[0\] is "ab"/],
    ['model.merges', ['a b c'], /merges\[0\] is "a b c"/],
    ['model.merges', [['a']], /merges\[0\] is \["a"\]/],
    ['model.merges', [[1, 2]], /merges\[0\]/],
    ['model.merges', ['t q'], /needs the token "tq", which model\.vocab lacks/],
    ['model.merges', ['zz top'], /needs the token "zz"/],
    ['model.unk_token', 5, /unk_token is 5/],
    ['added_tokens', {}, /added_tokens is an object/],
    ['added_tokens', [null], /added_tokens\[0\] is null/],
    ['added_tokens', [{ id: 0 }], /added_tokens\[0\]/],
    ['added_tokens', [{ id: 0, content: '' }], /added_tokens\[0\]/],
    ['added_tokens', [{ id: 0, content: 'x'.repeat(5000) }], /content has 5000 characters, more than 4096/],
    ['added_tokens', [{ id: 1e12, content: '<x>' }], /added_tokens\[0\]\.id is 1000000000000/],
    ['added_tokens', [{ id: 0, content: '<e>', special: 'yes' }], /special is "yes"/],
    [
      'added_tokens',
      [
        { id: 0, content: '<x>' },
        { id: 0, content: '<y>' },
      ],
      /same id 0/,
    ],
    ['pre_tokenizer', 'ByteLevel', /pre_tokenizer is "ByteLevel"/],
    ['decoder', {}, /decoder is an object/],
    ['normalizer', { type: 'Mangle' }, /not one that can be run/],
    ['pre_tokenizer', { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' }, /not one that can be run/],
  ])('is refused for a bad %s', (path, value, message) => {
    refused(
      changed((json) => set(json, path, value)),
      message,
    );
  });

  it('is refused, not overflowed, when it is nested without end', () => {
    let normalizer: unknown = { type: 'Lowercase' };
    for (let i = 0; i < 20_000; i++) normalizer = { type: 'Sequence', normalizers: [normalizer] };
    refused({ ...bpe(), normalizer }, /normalizer is nested more than 32 deep/);
  });

  it('cannot reach prototypes', () => {
    const json = trainCharacterTokenizer('ab').toJSON();
    const hostile = JSON.parse(
      JSON.stringify(json).replace('"a":0', '"__proto__":0').replace('"b":1', '"constructor":1,"a":2'),
    ) as TokenizerJson;
    const tokenizer = loadTokenizer(hostile);
    expect(tokenizer.idToToken(0)).toBe('__proto__');
    expect(tokenizer.decode([0, 1, 2])).toBe('__proto__constructora');
    expect(Array.from(tokenizer.encode('a'))).toEqual([2]);
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });
});

describe('which engine runs a tokenizer.json', () => {
  const kind = (json: TokenizerJson): string => loadTokenizer(json).kind;

  it('is the one here for plain byte-level BPE and characters', () => {
    expect(kind(bpe())).toBe('byte-level-bpe');
    expect(
      kind(
        changed(
          (json) => (json.model.merges = (json.model.merges as string[]).map((m) => m.split(' ') as [string, string])),
        ),
      ),
    ).toBe('byte-level-bpe');
    expect(kind(trainCharacterTokenizer('abc').toJSON())).toBe('character');
  });

  it.each<[string, (json: TokenizerJson) => void]>([
    ['a normalizer', (json) => (json.normalizer = { type: 'NFC' })],
    ['a prefix space', (json) => (json.pre_tokenizer!.add_prefix_space = true)],
    ['no regular expression', (json) => (json.pre_tokenizer!.use_regex = false)],
    ['tokens that take spaces', (json) => (json.added_tokens![0].lstrip = true)],
    ['dropout', (json) => (json.model.dropout = 0.1)],
    ['a byte missing', (json) => delete (json.model.vocab as Record<string, number>)['!']],
    [
      'a template',
      (json) => (json.post_processor = { type: 'TemplateProcessing', single: [], pair: [], special_tokens: {} }),
    ],
  ])('is the pipeline for %s', (_name, change) => {
    expect(kind(changed(change))).toBe('bpe');
  });

  it('is the pipeline for all others', () => {
    expect(kind(wordPieceJson())).toBe('wordpiece');
    expect(kind(byteFallbackJson())).toBe('bpe');
    expect(loadTokenizer(wordPieceJson(), { engine: 'hugging-face' }).kind).toBe('hugging-face');
  });

  it('runs WordLevel models too', () => {
    const json: TokenizerJson = {
      added_tokens: [{ id: 0, content: '<unk>', special: true }],
      pre_tokenizer: { type: 'WhitespaceSplit' },
      decoder: null,
      model: { type: 'WordLevel', unk_token: '<unk>', vocab: { '<unk>': 0, the: 1, fox: 2 } },
    };
    const tokenizer = loadTokenizer(json);
    expect(Array.from(tokenizer.encode('the quick fox'))).toEqual([1, 0, 2]);
    expect(tokenizer.decode([1, 2])).toBe('the fox');
  });

  it('follows ignore_merges: a word that is a token needs no merging', () => {
    const json = changed((content) => {
      content.model.ignore_merges = true;
      (content.model.vocab as Record<string, number>)['cats'] = 900;
    });
    const ids = loadTokenizer(json).encode('cats cats');
    expect(ids[0]).toBe(900);
    expect(loadTokenizer(json, { engine: 'hugging-face' }).encode('cats cats')).toEqual(ids);
    expect(loadTokenizer(json).decode(ids)).toBe('cats cats');
  });
});

describe('added tokens', () => {
  it('are found longest first, special or not', () => {
    const json = changed((content) =>
      content.added_tokens!.push(
        { id: 262, content: '<e><e>', special: true },
        { id: 263, content: 'cat', special: false, normalized: false },
      ),
    );
    for (const engine of ['automatic', 'hugging-face'] as const) {
      const tokenizer = loadTokenizer(json, { engine });
      expect(tokenizer.vocabSize).toBe(264);
      expect(tokenizer.specialTokens).toEqual({ '<e>': 0, '<e><e>': 262 });
      expect(Array.from(tokenizer.encode('<e><e><e>cat'))).toEqual([262, 0, 263]);
      expect(tokenizer.decode([262, 263, 0], { skipSpecialTokens: true })).toBe('cat');
      const only = tokenizer.encode('<e><e>cat', { parseSpecialTokens: ['<e>'] });
      expect(Array.from(only)).toEqual([0, 0, 263]);
    }
  });

  it('have an id to ask for, or an error that lists them', () => {
    const tokenizer = loadTokenizer(bpe());
    expect(specialTokenId(tokenizer, '<e>')).toBe(0);
    expectError(
      () => specialTokenId(tokenizer, '<f>'),
      'E_SPECIAL_TOKEN',
      /"<f>" is not a special token .* it has "<e>"/,
    );
    expectError(() => specialTokenId(trainCharacterTokenizer('a'), 'toString'), 'E_SPECIAL_TOKEN', /it has none/);
  });
});

describe('ids that are none', () => {
  it('are refused with their position', () => {
    const tokenizer = loadTokenizer(bpe());
    expectError(() => tokenizer.decode([5, 262]), 'E_TOKEN_ID', /ids\[1\] is 262, outside 0…261/);
    expectError(() => tokenizer.decode(new Float32Array([0.5])), 'E_TOKEN_ID', /ids\[0\] is 0\.5/);
  });

  it('are refused when the vocabulary has a hole there', () => {
    const json = changed((content) => ((content.model.vocab as Record<string, number>)['zzz'] = 300));
    for (const engine of ['automatic', 'hugging-face'] as const)
      expectError(() => loadTokenizer(json, { engine }).decode([299]), 'E_TOKEN_ID', /299, which no token/);
  });
});
