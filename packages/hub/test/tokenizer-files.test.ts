import { readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadPretrained, savePretrained } from '@tesserae/hub';
import { sentencePieceFile } from '../../../test/support/sentence-piece-file';
import { failure, smallGpt2, smallLlama, temporaryFolder } from './models';

beforeAll(() => tf.setBackend('cpu'));

const bert = '[PAD]\n[UNK]\n[CLS]\n[SEP]\nCafé\ncafe\ncafé\n##s\n';
const llama = [['<unk>', 0, 2], ['<s>', 0, 3], ['</s>', 0, 3], ['▁', -3], ['a', -2], ['b', -2], ['▁a', -1]] as const; // prettier-ignore
const t5 = [
  ['<pad>', 0, 3],
  ['</s>', 0, 3],
  ['<unk>', 0, 2],
  ['▁a', -1],
  ['b', -2],
] as const;
const gpt2 = { a: 0, b: 1, ab: 2, '<|endoftext|>': 3, '<s>': 4, '</s>': 5 };

type Files = Readonly<Record<string, string | object>>;
const added = { 7: { content: '<pad>', special: true, normalized: false } };

/** A small model with these files beside it; what is no text and no bytes becomes JSON. */
async function folderWith(files: Files, model: { params: unknown } = smallGpt2()): Promise<string> {
  const folder = temporaryFolder();
  await savePretrained(model as ReturnType<typeof smallGpt2>, folder);
  for (const [name, content] of Object.entries(files)) {
    const ready = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(path.join(folder, name), ready ? content : JSON.stringify(content, null, 3));
  }
  return folder;
}

describe('a folder without tokenizer.json', () => {
  it.each<[string, Files, string, number[]]>([
    ['BERT', { 'vocab.txt': bert }, 'CAFÉs', [2, 5, 7, 3]],
    [
      'BERT with capitals',
      { 'vocab.txt': bert, 'tokenizer_config.json': { do_lower_case: false } },
      'Café café',
      [2, 4, 6, 3],
    ],
    [
      'BERT with accents',
      { 'vocab.txt': bert, 'tokenizer_config.json': { strip_accents: false } },
      'Café cafe',
      [2, 6, 5, 3],
    ],
    ['a SentencePiece model', { 'tokenizer.model': sentencePieceFile(llama) }, 'ab', [6, 5]],
    [
      'a BPE one of the class Llama, with a token added',
      {
        'tokenizer.model': sentencePieceFile(llama, 'bpe'),
        'tokenizer_config.json': { tokenizer_class: 'LlamaTokenizer', bos_token: '<s>', added_tokens_decoder: added },
      },
      'a<pad>',
      [1, 6, 7],
    ],
    [
      'T5, whose spans stand after the pieces',
      { 'spiece.model': sentencePieceFile(t5), 'tokenizer_config.json': { tokenizer_class: 'T5Tokenizer' } },
      'ab<extra_id_0><extra_id_99>',
      [3, 4, 104, 5, 1],
    ],
    [
      'XLM-RoBERTa, whose ids are one more',
      {
        'sentencepiece.bpe.model': sentencePieceFile(llama),
        'tokenizer_config.json': { tokenizer_class: 'XLMRobertaTokenizer' },
      },
      'ab<mask>c',
      [0, 7, 6, 8, 4, 3, 2],
    ],
    ['GPT-2', { 'vocab.json': gpt2, 'merges.txt': '#version: 0.2\na b\n' }, 'aba', [2, 0]],
    [
      'RoBERTa',
      { 'vocab.json': gpt2, 'merges.txt': 'a b\n', 'tokenizer_config.json': { tokenizer_class: 'RobertaTokenizer' } },
      'aba',
      [4, 2, 0, 5],
    ],
  ])('has the tokenizer of %s, whose files go out as they came', async (_, files, text, ids) => {
    const folder = await folderWith(files);
    const model = await loadPretrained(folder);
    expect(Array.from(model.tokenizer!.encode(text))).toEqual(ids);
    const copy = temporaryFolder();
    await savePretrained(model, copy);
    for (const name of Object.keys(files))
      expect(readFileSync(path.join(copy, name)).equals(readFileSync(path.join(folder, name)))).toBe(true);
    expect(readdirSync(copy).sort()).toEqual(readdirSync(folder).sort());
  });

  it('takes the class that goes with the model where none is named', async () => {
    const model = await loadPretrained(await folderWith({ 'tokenizer.model': sentencePieceFile(llama) }, smallLlama()));
    expect(Array.from(model.tokenizer!.encode('ab'))).toEqual([1, 6, 5]);
  });

  it("has the tokenizer of Marian's source, whose files go along", async () => {
    const vocab = { '</s>': 0, '<unk>': 1, b: 2, '▁a': 3, '▁only-target': 4, '>>fr<<': 5, '<pad>': 6 };
    const files = { 'source.spm': sentencePieceFile(t5), 'target.spm': sentencePieceFile(t5), 'vocab.json': vocab };
    const model = await loadPretrained(await folderWith(files));
    expect(Array.from(model.tokenizer!.encode('>>fr<< ab c'))).toEqual([5, 3, 2, 1, 0]);
    expect(model.tokenizer!.decode([3, 2, 0], { skipSpecialTokens: true })).toBe('ab');
    const copy = temporaryFolder();
    await savePretrained(model, copy);
    expect(readdirSync(copy)).toEqual(expect.arrayContaining(Object.keys(files)));
  });

  it('refuses damaged files, and links out of it', async () => {
    const code = async (files: Files): Promise<string> => (await failure(loadPretrained(await folderWith(files)))).code;
    expect(await code({ 'spiece.model': 'no protobuf' })).toBe('E_TOKENIZER_JSON');
    expect(await code({ 'vocab.txt': 'a\na\n' })).toBe('E_TOKENIZER_JSON');
    expect(await code({ 'vocab.txt': bert, 'tokenizer_config.json': '{"a":1,"a":2}' })).toBe('E_JSON');
    expect(await code({ 'vocab.json': '{"a":0,"a":1}', 'merges.txt': '' })).toBe('E_JSON');
    const wrong = { 'vocab.txt': bert, 'tokenizer_config.json': { added_tokens_decoder: { 9: { content: 5 } } } };
    expect(await code(wrong)).toBe('E_TOKENIZER_JSON');
    const folder = await folderWith({ 'vocab.txt': bert });
    const elsewhere = path.join(temporaryFolder(), 'vocab.txt');
    writeFileSync(elsewhere, bert);
    rmSync(path.join(folder, 'vocab.txt'));
    symlinkSync(elsewhere, path.join(folder, 'vocab.txt'));
    expect((await failure(loadPretrained(folder))).code).toBe('E_PATH_ESCAPE');
  });
});
