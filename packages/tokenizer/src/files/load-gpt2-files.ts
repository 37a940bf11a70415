import { byteLevelBpeJson, specialTokenJson } from '../byte-level/build-json';
import { checkOptions } from '../errors/tokenizer-error';
import { checkSpecialTokens } from '../special-tokens/split';
import type { Tokenizer } from '../interface/tokenizer';
import { jsonError } from '../tokenizer-json/check';
import { loadTokenizer } from './load-tokenizer';
import { readJsonFile, readTextFile } from './read-file';

/** The two files of a GPT-2 tokenizer. */
export interface Gpt2Files {
  /** The path of `vocab.json` (OpenAI's name: `encoder.json`): token → id. */
  vocab: string;
  /** The path of `merges.txt` (OpenAI's name: `vocab.bpe`): a merge a line. */
  merges: string;
  /** Tokens of the vocabulary that are special. Default `['<|endoftext|>']`, if the vocabulary has it. */
  specialTokens?: readonly string[];
}

/**
 * Loads a tokenizer from the two files that GPT-2 came with, and that many folders still hold instead of
 * `tokenizer.json`.
 *
 * @param files the paths of `vocab` and `merges`, and optionally `specialTokens`
 * @returns the tokenizer
 * @throws E_TOKENIZER_FILE when a file cannot be read; E_TOKENIZER_JSON when its content cannot be used;
 *   E_SPECIAL_TOKEN for an empty or repeated one; E_OPTION for an unknown option
 * @see https://github.com/openai/gpt-2, `src/encoder.py`
 *
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { loadGpt2Files, trainByteLevelBpe } from '@tesserae/tokenizer';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'gpt2-'));
 * const { model } = trainByteLevelBpe('low lower lowest', { vocabSize: 260 }).toJSON();
 * writeFileSync(join(folder, 'vocab.json'), JSON.stringify(model.vocab));
 * writeFileSync(join(folder, 'merges.txt'), ['#version: 0.2', ...model.merges!].join('\n'));
 *
 * const tokenizer = loadGpt2Files({ vocab: join(folder, 'vocab.json'), merges: join(folder, 'merges.txt') });
 * console.log(tokenizer.decode(tokenizer.encode('slower'))); // → slower
 * ```
 */
export function loadGpt2Files(files: Gpt2Files): Tokenizer {
  checkOptions('loadGpt2Files', files, ['vocab', 'merges', 'specialTokens']);
  const vocab = readJsonFile(files.vocab, 'vocab.json') as Record<string, number>;
  const merges = readTextFile(files.merges, 'merges.txt')
    .split(/\r?\n/)
    .filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab))
    throw jsonError(`${files.vocab} is not an object of tokens and ids`);
  const special = files.specialTokens ?? ['<|endoftext|>'].filter((token) => Object.hasOwn(vocab, token));
  checkSpecialTokens(special);
  for (const token of special)
    if (!Object.hasOwn(vocab, token)) throw jsonError(`${files.vocab} has no token ${JSON.stringify(token)}`);
  return loadTokenizer(
    byteLevelBpeJson(
      vocab,
      merges,
      special.map((token) => specialTokenJson(token, vocab[token])),
    ),
  );
}
