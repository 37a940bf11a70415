import { createRegistry } from '@tesserae/registry';
import { describePluginContract } from '@tesserae/registry/testing';
import { describe, expect, it } from 'vitest';
import { byteLevelBpe, character, tokenizerJson } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import { wordPieceJson } from './support';

const isTokenizer = (kind: string) => (made: Tokenizer) => expect(made.kind).toBe(kind);

describePluginContract<Tokenizer>(byteLevelBpe, {
  describe,
  it,
  options: [{ texts: 'a rose is a rose', vocabSize: 258 }],
  check: isTokenizer('byte-level-bpe'),
});
describePluginContract<Tokenizer>(character, {
  describe,
  it,
  options: [{ texts: 'abc' }],
  check: isTokenizer('character'),
});
describePluginContract<Tokenizer>(tokenizerJson, {
  describe,
  it,
  options: [{ source: wordPieceJson() }],
  check: isTokenizer('wordpiece'),
});

it('a kit knows them by name, and types their options', async () => {
  const kit = createRegistry([byteLevelBpe, character]);
  const tokenizer = await kit.create('tokenizer', 'character', { texts: 'cab' });
  expect(Array.from(tokenizer.encode('abc'))).toEqual([0, 1, 2]);
});
