import { describeValue } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import { jsonError } from '../tokenizer-json/check';
import { loadBertVocabulary } from './load-bert-vocabulary';
import { loadGpt2Files } from './load-gpt2-files';
import { loadSentencePiece } from './load-sentence-piece';
import { loadTokenizer } from './load-tokenizer';
import { fileError, fileSystem, pathFunctions, readJsonFile } from './read-file';

/** What of `tokenizer_config.json` matters beside the tokenizer itself. */
export interface TokenizerConfig {
  /** The tokens with a role, as they are written. */
  readonly bosToken?: string;
  readonly eosToken?: string;
  readonly padToken?: string;
  readonly unkToken?: string;
  /** The longest input of the model, in tokens. */
  readonly modelMaxLength?: number;
  /** Whether `transformers` cleans up spaces when it decodes: `decode(ids, { cleanUpSpaces })`. */
  readonly cleanUpSpaces?: boolean;
  /** The file as it is, with the chat template and everything else. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** A tokenizer and the settings that its folder holds. */
export interface TokenizerFolder {
  readonly tokenizer: Tokenizer;
  readonly config: TokenizerConfig;
}

/**
 * Loads the tokenizer of a model folder: `tokenizer.json`, or the first of `spiece.model`, `tokenizer.model`,
 * `sentencepiece.model`, `vocab.json` with `merges.txt`, and `vocab.txt` that is there; with what
 * `tokenizer_config.json` says (begin and end tokens of SentencePiece models, lower case of BERT).
 *
 * @param folder the path of the folder
 * @returns the tokenizer, and its settings
 * @throws E_TOKENIZER_FILE when the folder has no tokenizer; E_TOKENIZER_JSON when a file is damaged
 *
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { loadTokenizerFolder, saveTokenizer, trainCharacterTokenizer } from '@tesserae/tokenizer';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'model-'));
 * saveTokenizer(trainCharacterTokenizer('hello'), folder);
 * console.log(loadTokenizerFolder(folder).tokenizer.vocabSize); // → 4
 * ```
 */
export function loadTokenizerFolder(folder: string): TokenizerFolder {
  if (typeof folder !== 'string' || folder === '')
    throw fileError(`the path is ${describeValue(folder)}`, 'pass the path of a folder');
  const path = (name: string): string => pathFunctions().join(folder, name);
  const has = (name: string): boolean => fileSystem().existsSync(path(name));
  const config = readConfig(has('tokenizer_config.json') ? readJsonFile(path('tokenizer_config.json'), '') : {});
  const { content, bosToken, eosToken } = config;
  const model = ['spiece.model', 'tokenizer.model', 'sentencepiece.model'].find(has);
  if (has('tokenizer.json')) return { tokenizer: loadTokenizer(path('tokenizer.json')), config };
  if (model !== undefined) {
    const firstToken = content.add_bos_token === true ? bosToken : undefined;
    const lastToken = content.add_eos_token === true ? eosToken : undefined;
    return { tokenizer: loadSentencePiece({ model: path(model), firstToken, lastToken }), config };
  }
  if (has('vocab.json') && has('merges.txt'))
    return { tokenizer: loadGpt2Files({ vocab: path('vocab.json'), merges: path('merges.txt') }), config };
  if (has('vocab.txt')) {
    const lowercase = content.do_lower_case !== false;
    return { tokenizer: loadBertVocabulary({ vocab: path('vocab.txt'), lowercase }), config };
  }
  throw fileError(
    `${folder} has no tokenizer.json, .model, vocab.json with merges.txt, or vocab.txt`,
    'check the path, or download the tokenizer of the model',
  );
}

function readConfig(content: unknown): TokenizerConfig {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw jsonError(`tokenizer_config.json is ${describeValue(content)}, expected an object`);
  const record = content as Record<string, unknown>;
  const token = (name: string): string | undefined => {
    const value = record[name];
    const text = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    return typeof text === 'string' ? text : undefined;
  };
  const length = record.model_max_length; // some files have 1e30 for "no limit"
  const clean = record.clean_up_tokenization_spaces;
  return {
    bosToken: token('bos_token'),
    eosToken: token('eos_token'),
    padToken: token('pad_token'),
    unkToken: token('unk_token'),
    modelMaxLength: typeof length === 'number' && length > 0 && length < 1e12 ? length : undefined,
    cleanUpSpaces: typeof clean === 'boolean' ? clean : undefined,
    content: record,
  };
}
