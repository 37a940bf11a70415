import { describeValue } from '@tesserae/registry';
import { tokenizerError } from '../errors/tokenizer-error';
import type { AddedTokenJson, TokenizerJson, TokenizerModelJson } from '../interface/tokenizer-json';

/** Larger ids than this are taken for damage: arrays are made as long as the largest id. */
const LARGEST_ID = (1 << 24) - 1;

/** Longer added tokens are taken for damage: where many begin alike, text is read so often. */
const LONGEST_ADDED_TOKEN = 4096;

const MODEL_TYPES = ['BPE', 'WordPiece', 'Unigram', 'WordLevel'];

/** The error for a `tokenizer.json` that cannot be used. */
export function jsonError(message: string, cause?: unknown): Error {
  return tokenizerError(
    'E_TOKENIZER_JSON',
    `tokenizer.json: ${message}`,
    'use the tokenizer.json that Hugging Face tokenizers, or saveTokenizer, wrote',
    cause === undefined ? {} : { cause },
  );
}

/**
 * Checks everything of a `tokenizer.json` that is used without asking again: kinds of values, ids in range and unique,
 * merges made of tokens. The settings of normalizers and the like are left to the code that runs them.
 */
export function checkTokenizerJson(json: unknown): TokenizerJson {
  if (!isRecord(json)) throw jsonError(`expected an object, found ${describeValue(json)}`);
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const) {
    const value = json[part];
    if (value === undefined || value === null) continue;
    if (!isRecord(value) || typeof value.type !== 'string')
      throw jsonError(`${part} is ${describeValue(value)}, expected null or an object with a type`);
  }
  checkModel(json.model);
  checkAddedTokens(json.added_tokens);
  return json as unknown as TokenizerJson;
}

function checkModel(model: unknown): asserts model is TokenizerModelJson {
  if (!isRecord(model)) throw jsonError(`model is ${describeValue(model)}, expected an object`);
  if (model.type !== undefined && !MODEL_TYPES.includes(model.type as string))
    throw jsonError(`model.type is ${describeValue(model.type)}, expected one of ${MODEL_TYPES.join(', ')}`);
  if (model.unk_token !== undefined && model.unk_token !== null && typeof model.unk_token !== 'string')
    throw jsonError(`model.unk_token is ${describeValue(model.unk_token)}, expected a string or null`);
  if (Array.isArray(model.vocab)) checkScoredVocabulary(model.vocab);
  else if (isRecord(model.vocab)) checkVocabulary(model.vocab);
  else throw jsonError(`model.vocab is ${describeValue(model.vocab)}, expected an object of tokens and ids`);
  if (model.type === 'BPE' && Array.isArray(model.vocab))
    throw jsonError('model.vocab is an array, expected an object for a BPE model');
  if (model.merges !== undefined || model.type === 'BPE') {
    const prefix = model.continuing_subword_prefix;
    checkMerges(model.merges, model.vocab, typeof prefix === 'string' ? prefix.length : 0);
  }
}

function checkVocabulary(vocab: Record<string, unknown>): void {
  const owners = new Map<number, string>();
  for (const [token, id] of Object.entries(vocab)) {
    checkTokenId(id, `model.vocab[${describeValue(token)}]`);
    const other = owners.get(id);
    if (other !== undefined)
      throw jsonError(`tokens ${describeValue(other)} and ${describeValue(token)} have the same id ${id}`);
    owners.set(id, token);
  }
  if (owners.size === 0) throw jsonError('model.vocab is empty');
}

function checkScoredVocabulary(vocab: readonly unknown[]): void {
  if (vocab.length === 0) throw jsonError('model.vocab is empty');
  for (const [i, entry] of vocab.entries())
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || !Number.isFinite(entry[1]))
      throw jsonError(`model.vocab[${i}] is ${describeValue(entry)}, expected [token, score]`);
}

function checkMerges(merges: unknown, vocab: unknown, prefixLength: number): void {
  if (!Array.isArray(merges)) throw jsonError(`model.merges is ${describeValue(merges)}, expected an array`);
  const known = isRecord(vocab) ? vocab : undefined;
  for (const [i, merge] of merges.entries()) {
    const pair = splitMerge(merge);
    if (!pair) throw jsonError(`model.merges[${i}] is ${describeValue(merge)}, expected "left right" or [left, right]`);
    if (!known) continue;
    for (const token of [...pair, pair[0] + pair[1].slice(prefixLength)])
      if (!Object.hasOwn(known, token))
        throw jsonError(
          `model.merges[${i}] (${pair.join(' + ')}) needs the token ${describeValue(token)}, which model.vocab lacks`,
        );
  }
}

/** The two tokens of a merge, in either of the two ways of writing it. */
export function splitMerge(merge: unknown): [string, string] | undefined {
  const parts = typeof merge === 'string' ? merge.split(' ') : merge;
  if (!Array.isArray(parts) || parts.length !== 2) return undefined;
  const [left, right] = parts as unknown[];
  return typeof left === 'string' && typeof right === 'string' && left !== '' && right !== ''
    ? [left, right]
    : undefined;
}

function checkAddedTokens(added: unknown): asserts added is AddedTokenJson[] | undefined {
  if (added === undefined || added === null) return;
  if (!Array.isArray(added)) throw jsonError(`added_tokens is ${describeValue(added)}, expected an array`);
  const owners = new Map<number, string>();
  for (const [i, token] of added.entries()) {
    if (!isRecord(token) || typeof token.content !== 'string' || token.content === '')
      throw jsonError(`added_tokens[${i}] is ${describeValue(token)}, expected an object with an id and a content`);
    if (token.content.length > LONGEST_ADDED_TOKEN)
      throw jsonError(
        `added_tokens[${i}].content has ${token.content.length} characters, more than ${LONGEST_ADDED_TOKEN}`,
      );
    checkTokenId(token.id, `added_tokens[${i}].id`);
    const other = owners.get(token.id);
    if (other !== undefined && other !== token.content)
      throw jsonError(
        `added tokens ${describeValue(other)} and ${describeValue(token.content)} have the same id ${token.id}`,
      );
    owners.set(token.id, token.content);
    for (const flag of ['single_word', 'lstrip', 'rstrip', 'normalized', 'special'])
      if (token[flag] !== undefined && typeof token[flag] !== 'boolean')
        throw jsonError(`added_tokens[${i}].${flag} is ${describeValue(token[flag])}, expected true or false`);
  }
}

function checkTokenId(id: unknown, where: string): asserts id is number {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > LARGEST_ID)
    throw jsonError(`${where} is ${describeValue(id)}, expected an integer in 0…${LARGEST_ID}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
