import { describeValue } from '@tesserae/registry';
import type { Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { jsonError } from '../tokenizer-json/check';
import { loadBertVocabulary } from './load-bert-vocabulary';
import { loadGpt2Files } from './load-gpt2-files';
import { loadSentencePiece } from './load-sentence-piece';
import { loadTokenizer } from './load-tokenizer';
import { createMarianTokenizer } from '../marian/marian-tokenizer';
import { readModelFile } from '../sentence-piece/model-file';
import { fileError, fileSystem, pathFunctions, readBytes, readJsonFile } from './read-file';
import {
  asRoberta,
  inFairseqOrder,
  refuseOtherIds,
  tokenizerClass,
  withAddedTokens,
  withSpanTokens,
} from './tokenizer-class';
import type { TokenizerClass } from './tokenizer-class';

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
  /** Where texts of the other language are cut by a file of their own (Marian): the tokenizer of what the model writes. */
  readonly target?: Tokenizer | undefined;
}

/**
 * Loads the tokenizer of a model folder: `tokenizer.json`, or the first of `spiece.model`, `tokenizer.model`,
 * `sentencepiece.bpe.model`, `sentencepiece.model`, Marian's `source.spm` with `vocab.json` (and `target.spm`), `vocab.json`
 * with `merges.txt`, and `vocab.txt` that is there.
 *
 * What those files leave open is decided as `transformers` does, by `tokenizer_config.json` and the class that it names
 * (or that goes with `config.json`): begin and end tokens, lower case and accents of BERT, T5's tokens for spans, the order
 * of XLM-RoBERTa's ids, added tokens. A `.model` file of a class whose ids are others yet (ALBERT, XLNet, mBART, CamemBERT,
 * NLLB, …) is refused by the name of the class.
 *
 * @param folder the path of the folder
 * @returns the tokenizer, and its settings
 * @throws E_TOKENIZER_FILE when the folder has no tokenizer; E_TOKENIZER_JSON when a file is damaged, or of a class whose ids
 *   are not those of its file
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
  const json = (name: string): unknown => (has(name) ? readJsonFile(path(name), '') : undefined);
  const config = readConfig(json('tokenizer_config.json') ?? {});
  if (has('tokenizer.json')) return { tokenizer: loadTokenizer(path('tokenizer.json')), config };
  const { content } = config;
  const modelType = (json('config.json') as { model_type?: unknown } | null | undefined)?.model_type;
  const kind = tokenizerClass(content.tokenizer_class, modelType);
  const model = MODEL_FILES.find(has);
  const added = { decoder: content.added_tokens_decoder, old: json('added_tokens.json') };
  if (model === undefined && has('source.spm') && has('vocab.json'))
    return { ...marianOf(path, has, config, (plain) => withAddedTokens(plain, added.decoder, added.old)), config };
  if (model !== undefined) refuseOtherIds(content.tokenizer_class, modelType);
  const plain =
    model !== undefined
      ? sentencePieceOf(path(model), config, kind)
      : has('vocab.json') && has('merges.txt')
        ? gpt2Of({ vocab: path('vocab.json'), merges: path('merges.txt') }, kind)
        : has('vocab.txt')
          ? bertOf(path('vocab.txt'), content)
          : undefined;
  if (!plain)
    throw fileError(
      `${folder} has no tokenizer.json, .model, vocab.json with merges.txt, or vocab.txt`,
      'check the path, or download the tokenizer of the model',
    );
  if (added.decoder === undefined && added.old === undefined) return { tokenizer: loadTokenizer(plain), config };
  return { tokenizer: loadTokenizer(withAddedTokens(plain, added.decoder, added.old)), config };
}

const MODEL_FILES = ['spiece.model', 'tokenizer.model', 'sentencepiece.bpe.model', 'sentencepiece.model'];

function sentencePieceOf(
  model: string,
  { content, bosToken, eosToken }: TokenizerConfig,
  kind?: TokenizerClass,
): TokenizerJson {
  const plain = loadSentencePiece({ model });
  if (kind === 'XLMRoberta') return inFairseqOrder(plain.toJSON());
  if (kind === 'T5') {
    const json = loadSentencePiece({ model, lastToken: eosToken ?? '</s>' }).toJSON();
    return withSpanTokens(json, content.extra_ids);
  }
  const { specialTokens } = plain;
  const usual = ['<s>', '<bos>'].find((token) => Object.hasOwn(specialTokens, token));
  const begins = kind === 'Llama' ? content.add_bos_token !== false : content.add_bos_token === true;
  const firstToken = begins ? (bosToken ?? usual) : undefined;
  const lastToken = content.add_eos_token === true ? eosToken : undefined;
  return loadSentencePiece({ model, firstToken, lastToken }).toJSON();
}

/** Both sides of a Marian folder. */
function marianOf(
  path: (name: string) => string,
  has: (name: string) => boolean,
  { unkToken, eosToken, padToken, content }: TokenizerConfig,
  add: (json: TokenizerJson) => TokenizerJson,
): { tokenizer: Tokenizer; target?: Tokenizer } {
  if (content.separate_vocabs === true)
    throw jsonError('separate_vocabs: two vocabularies are more than one tokenizer has');
  const vocab = readJsonFile(path('vocab.json'), '');
  const roles = { unknown: unkToken ?? '<unk>', end: eosToken ?? '</s>', padding: padToken ?? '<pad>' };
  const side = (name: string): Tokenizer =>
    createMarianTokenizer(readModelFile(readBytes(path(name), name)), vocab, roles, add);
  return { tokenizer: side('source.spm'), ...(has('target.spm') && { target: side('target.spm') }) };
}

function gpt2Of(files: { vocab: string; merges: string }, kind?: TokenizerClass): TokenizerJson {
  const json = loadGpt2Files(files).toJSON();
  return kind === 'Roberta' ? asRoberta(json) : json;
}

function bertOf(vocab: string, content: TokenizerConfig['content']): TokenizerJson {
  return loadBertVocabulary({
    vocab,
    lowercase: content.do_lower_case !== false,
    stripAccents: typeof content.strip_accents === 'boolean' ? content.strip_accents : undefined,
    chineseCharacters: content.tokenize_chinese_chars !== false,
  }).toJSON();
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
