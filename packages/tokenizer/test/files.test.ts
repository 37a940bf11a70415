import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  loadGpt2Files,
  loadTokenizer,
  loadTokenizerFolder,
  saveTokenizer,
  trainByteLevelBpe,
} from '@tesserae/tokenizer';
import { expectError, SAMPLE, wordPieceJson } from './support';

const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-tokenizer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string): string => path.join(folder, name);
const tokenizer = trainByteLevelBpe(SAMPLE, { vocabSize: 300, specialTokens: ['<|endoftext|>'] });

describe('saving and loading', () => {
  it('brings the tokenizer back, from the file and from its folder', () => {
    expect(saveTokenizer(tokenizer, folder)).toBe(file('tokenizer.json'));
    expect(saveTokenizer(tokenizer, file('other.json'))).toBe(file('other.json'));
    expect(readFileSync(file('other.json'), 'utf8')).toBe(readFileSync(file('tokenizer.json'), 'utf8'));
    for (const place of [folder, file('other.json')]) {
      const loaded = loadTokenizer(place);
      expect(loaded.encode(SAMPLE)).toEqual(tokenizer.encode(SAMPLE));
      expect(loaded.toJSON()).toEqual(tokenizer.toJSON());
    }
  });

  it('keeps what it does not know in a file', () => {
    const json = { ...wordPieceJson(), extra: { from: 'a later version' } };
    writeFileSync(file('in.json'), JSON.stringify(json));
    saveTokenizer(loadTokenizer(file('in.json')), file('out.json'));
    expect(JSON.parse(readFileSync(file('out.json'), 'utf8'))).toEqual(json);
  });

  it('replaces a file whole, or leaves it alone', () => {
    const place = file('precious.json');
    saveTokenizer(tokenizer, place);
    const before = readFileSync(place, 'utf8');
    const broken = { ...tokenizer, toJSON: () => { throw new Error('out of ideas'); } }; // prettier-ignore
    expectError(
      () => saveTokenizer(broken, place),
      'E_TOKENIZER_FILE',
      /precious\.json cannot be written \(out of ideas\)/,
    );
    expect(readFileSync(place, 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('says what is wrong with a path or a file', () => {
    expectError(() => loadTokenizer(file('absent.json')), 'E_TOKENIZER_FILE', /absent\.json cannot be read \(ENOENT/);
    mkdirSync(file('empty'));
    expectError(() => loadTokenizer(file('empty')), 'E_TOKENIZER_FILE', /empty.tokenizer\.json cannot be read/);
    expectError(() => loadTokenizer(''), 'E_TOKENIZER_FILE', /the path is ""/);
    writeFileSync(file('cut.json'), JSON.stringify(tokenizer.toJSON()).slice(0, 500));
    expectError(() => loadTokenizer(file('cut.json')), 'E_TOKENIZER_JSON', /is not JSON/);
    writeFileSync(file('binary.json'), new Uint8Array([0xff, 0xfe, 0, 1]));
    expectError(() => loadTokenizer(file('binary.json')), 'E_TOKENIZER_FILE', /is not UTF-8/);
    expectError(
      () => saveTokenizer(tokenizer, file('no/such/folder.json')),
      'E_TOKENIZER_FILE',
      /cannot be written \(ENOENT/,
    );
    expectError(() => saveTokenizer(tokenizer, 5 as unknown as string), 'E_TOKENIZER_FILE', /the path is 5/);
    expectError(() => loadTokenizer(folder, { fast: true } as never), 'E_OPTION', /no option "fast"/);
    expectError(() => loadTokenizer(folder, { engine: 'v8' } as never), 'E_OPTION', /engine is "v8"/);
  });
});

describe("GPT-2's two files", () => {
  const { model } = tokenizer.toJSON();
  const vocab = file('vocab.json');
  const merges = file('merges.txt');
  writeFileSync(vocab, JSON.stringify(model.vocab));
  writeFileSync(merges, `#version: 0.2\n${(model.merges as string[]).join('\n')}\n`);

  it('make the same tokenizer', () => {
    const loaded = loadGpt2Files({ vocab, merges });
    expect(loaded.specialTokens).toEqual({ '<|endoftext|>': 0 });
    expect(loaded.encode(SAMPLE)).toEqual(tokenizer.encode(SAMPLE));
    expect(loadGpt2Files({ vocab, merges, specialTokens: [] }).specialTokens).toEqual({});
  });

  it('are refused when they do not fit', () => {
    expectError(() => loadGpt2Files({ vocab: merges, merges }), 'E_TOKENIZER_JSON', /is not JSON/);
    expectError(() => loadGpt2Files({ vocab, merges: vocab }), 'E_TOKENIZER_JSON', /merges\[0\]/);
    expectError(() => loadGpt2Files({ vocab, merges, specialTokens: ['<x>'] }), 'E_TOKENIZER_JSON', /no token "<x>"/);
    expectError(() => loadGpt2Files({ vocab, merges, extra: 1 } as never), 'E_OPTION', /no option "extra"/);
  });
});

describe('a model folder', () => {
  it('gives its tokenizer and what its settings say', () => {
    const model = path.join(folder, 'bert');
    mkdirSync(model);
    expectError(() => loadTokenizerFolder(model), 'E_TOKENIZER_FILE', /has no tokenizer\.json/);
    writeFileSync(path.join(model, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\n[SEP]\nThe\nthe\n');
    const settings = { do_lower_case: false, pad_token: { content: '[PAD]' }, model_max_length: 1e30 };
    writeFileSync(path.join(model, 'tokenizer_config.json'), JSON.stringify(settings));
    const { tokenizer: bert, config } = loadTokenizerFolder(model);
    expect(Array.from(bert.encode('The'))).toEqual([2, 4, 3]);
    expect(config.padToken).toBe('[PAD]');
    expect(config.modelMaxLength).toBeUndefined();
    saveTokenizer(tokenizer, model);
    expect(loadTokenizerFolder(model).tokenizer.kind).toBe('byte-level-bpe');
    writeFileSync(path.join(model, 'tokenizer_config.json'), '[]');
    expectError(() => loadTokenizerFolder(model), 'E_TOKENIZER_JSON', /expected an object/);
  });
});
