import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTokenizer, loadTokenizerFolder } from '@tesserae/tokenizer';
import { afterAll, describe, expect, it } from 'vitest';
import { sentencePieceFile } from '../../../test/support/sentence-piece-file';
import { expectError } from './support';

const root = mkdtempSync(path.join(tmpdir(), 'tesserae-marian-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const source = sentencePieceFile([
  ['</s>', 0, 3],
  ['<unk>', 0, 2],
  ['▁', -3],
  ['▁a', -1],
  ['b', -2],
  ['c', -2.5], // not in the vocabulary
  ['▁the', -1.5],
  ['t', -4],
  ['h', -4],
  ['e', -4],
  ['<', -5],
  ['>', -5],
]);
const target = sentencePieceFile([
  ['</s>', 0, 3],
  ['<unk>', 0, 2],
  ['▁', -3],
  ['▁die', -1],
  ['d', -3],
  ['ü', -2],
]);
const vocab = Object.fromEntries(
  ['</s>', '<unk>', '▁the', 'b', '▁a', '▁die', 'ü', '▁', 'd', 'e', 't', '<', '>>fr<<', '<pad>'].map((token, id) => [
    token,
    id,
  ]),
);

/** A folder with these files beside both models. */
function folderWith(files: Readonly<Record<string, object | Uint8Array>>): string {
  const folder = mkdtempSync(path.join(root, 'model-'));
  for (const [name, content] of Object.entries({ 'source.spm': source, 'target.spm': target, ...files }))
    writeFileSync(path.join(folder, name), content instanceof Uint8Array ? content : JSON.stringify(content));
  return folder;
}

describe("Marian's folders", () => {
  const { tokenizer, target: other } = loadTokenizerFolder(folderWith({ 'vocab.json': vocab }));

  // What MarianTokenizer of transformers 5.18 gives: ids, ids of text_target, and the first decoded.
  it.each([
    ['the ab', [2, 4, 3, 0], [7, 1, 7, 1, 0], 'the ab</s>'],
    ['>>fr<< the bc', [12, 2, 7, 3, 1, 0], [12, 7, 1, 7, 1, 0], '>>fr<< the b<unk> </s>'],
    ['>>xx<<a', [1, 4, 0], [1, 7, 1, 0], '<unk> a</s>'],
    [
      'see >>fr<< a',
      [7, 1, 9, 9, 7, 1, 1, 1, 11, 11, 4, 0],
      [7, 1, 7, 12, 7, 1, 0],
      '<unk> ee <unk> <unk> <unk> << a</s>',
    ],
    ['ü a日b', [7, 6, 4, 1, 3, 0], [7, 6, 7, 1, 0], 'ü a<unk> b</s>'],
    ['a</s>b', [4, 0, 7, 3, 0], [7, 1, 0, 7, 3, 0], 'a</s> b</s>'],
    ['', [0], [0], '</s>'],
    ['  a  b ', [4, 7, 3, 0], [7, 1, 7, 3, 0], 'a b</s>'],
    ['ta<<', [7, 10, 1, 11, 11, 0], [7, 1, 0], 't<unk> <<</s>'],
  ])('%j', (text, ids, targetIds, decoded) => {
    expect(Array.from(tokenizer.encode(text))).toEqual(ids);
    expect(Array.from(tokenizer.encodeWithOffsets(text).ids)).toEqual(ids);
    expect(Array.from(other!.encode(text))).toEqual(targetIds);
    expect(tokenizer.decode(ids)).toBe(decoded);
    const stream = tokenizer.createDecodeStream();
    expect([...ids.map((id) => stream.push(id)), stream.end()].join('')).toBe(decoded);
  });

  it('puts one end token behind a pair, and keeps pieces of the other side as they are in front', () => {
    expect(Array.from(tokenizer.encodeWithOffsets('a', { pair: 'b' }).ids)).toEqual([4, 7, 3, 0]);
    expect(tokenizer.decode([5, 2, 1, 5, 0, 2, 9])).toBe('die the<unk>  die</s> thee');
  });

  it('says where tokens stand', () => {
    const { offsets, tokens } = tokenizer.encodeWithOffsets('>>fr<< the b', { addSpecialTokens: false });
    expect(tokens.slice(0, 2)).toEqual(['>>fr<<', '▁the']);
    expect(offsets[0]).toEqual([0, 6]);
    expect(offsets[1][1]).toBe(10);
  });

  it('gives a tokenizer.json that does the same with texts of its own language', () => {
    const again = loadTokenizer(tokenizer.toJSON());
    for (const text of ['the ab', 'a</s>b', '  a  b '])
      expect(Array.from(again.encode(text))).toEqual(Array.from(tokenizer.encode(text)));
  });

  it('is refused where the files do not go together', () => {
    const load = (files: Readonly<Record<string, object | Uint8Array>>) => () => loadTokenizerFolder(folderWith(files));
    expectError(load({ 'vocab.json': { ...vocab, '▁the': 1 } }), 'E_TOKENIZER_JSON', /the id 1 of 14, each once/);
    expectError(load({ 'vocab.json': { a: 0 } }), 'E_TOKENIZER_JSON', /no token "<unk>"/);
    expectError(load({ 'vocab.json': [1] }), 'E_TOKENIZER_JSON', /vocab\.json is no object/);
    expectError(load({ 'vocab.json': vocab, 'source.spm': new Uint8Array([1]) }), 'E_TOKENIZER_JSON', /model/);
    const separate = { 'vocab.json': vocab, 'tokenizer_config.json': { separate_vocabs: true } };
    expectError(load(separate), 'E_TOKENIZER_JSON', /separate_vocabs/);
    const bpe = sentencePieceFile([['<unk>', 0, 2]], 'bpe');
    expectError(load({ 'vocab.json': vocab, 'source.spm': bpe }), 'E_TOKENIZER_JSON', /type bpe/);
  });
});

describe('a .model file of a class with other ids', () => {
  const model = (files: object): string => {
    const folder = mkdtempSync(path.join(root, 'class-'));
    writeFileSync(path.join(folder, 'spiece.model'), source);
    for (const [name, content] of Object.entries(files))
      writeFileSync(path.join(folder, name), JSON.stringify(content));
    return folder;
  };

  it.each(['Albert', 'XLNet', 'MBart', 'MBart50', 'Camembert', 'Nllb', 'Pegasus'])('%s is refused by name', (name) => {
    for (const end of ['Tokenizer', 'TokenizerFast'])
      expectError(
        () => loadTokenizerFolder(model({ 'tokenizer_config.json': { tokenizer_class: name + end } })),
        'E_TOKENIZER_JSON',
        new RegExp(`the ids of ${name}Tokenizer are not those of its \\.model file`),
      );
  });

  it('is known by the model too', () => {
    expectError(
      () => loadTokenizerFolder(model({ 'config.json': { model_type: 'm2m_100' } })),
      'E_TOKENIZER_JSON',
      /M2M100/,
    );
    expect(loadTokenizerFolder(model({ 'config.json': { model_type: 'toString' } })).tokenizer.kind).toBe('unigram');
  });
});
