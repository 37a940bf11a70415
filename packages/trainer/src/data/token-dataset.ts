import { createHash } from 'node:crypto';
import { describeValue, tesseraeError } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';
import { isTokenCache } from './cache/token-cache';
import type { TokenCache } from './cache/token-cache';
import { checkOptions, rules } from '../options';
import { emptyText, outsideVocabulary } from './data-errors';

/** Token ids, split into what a model learns from and what it is tested on. */
export interface TokenDataset {
  /** Ids to learn from. */
  readonly train: Int32Array;
  /** Ids to test on; may be empty. */
  readonly validation: Int32Array;
  /** SHA-256 of both, hexadecimal: two datasets with the same fingerprint hold the same ids. */
  readonly fingerprint: string;
}

/** Options of {@link createTokenDataset}. */
export interface TokenDatasetOptions {
  /** Turns text into ids; not needed when ids are given. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Share of the ids, taken from the end, that is kept for validation: 0.1. */
  readonly validationFraction?: number;
}

/** What a dataset can be made from: text, or ids. */
export type TokenSource = string | ArrayLike<number>;

/**
 * Makes a dataset of token ids from text or from ids, split into a training and a validation part.
 *
 * The first ⌊n · (1 - validationFraction)⌋ ids are for training, the rest for validation: no window ever crosses.
 *
 * @param source text, or token ids
 * @param options the tokenizer (for text), and the share for validation
 * @returns both splits and their fingerprint
 * @throws E_EMPTY_TEXT for empty text or no ids, E_TOKENIZER for text without a tokenizer, E_VOCABULARY for an id that
 *   is no whole number ≥ 0, E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * @example
 * ```ts
 * import { createTokenDataset } from '@tesserae/trainer';
 * const ids = Int32Array.from({ length: 100 }, (_, i) => i % 7);
 * const dataset = createTokenDataset(ids, { validationFraction: 0.2 });
 * console.log(dataset.train.length, dataset.validation.length); // → 80 20
 * ```
 */
export function createTokenDataset(source: TokenSource, options: TokenDatasetOptions = {}): TokenDataset {
  checkOptions<TokenDatasetOptions>('createTokenDataset', options, {
    tokenizer: rules.object,
    validationFraction: rules.fraction,
  });
  const { tokenizer, validationFraction = 0.1 } = options;
  const ids = typeof source === 'string' ? encode(source, tokenizer) : checkIds(source);
  const trainLength = Math.floor(ids.length * (1 - validationFraction));
  return splitDataset(ids.subarray(0, trainLength), ids.subarray(trainLength));
}

/** A dataset whose two parts are given. */
export function splitDataset(train: Int32Array, validation: Int32Array): TokenDataset {
  const hash = createHash('sha256').update(`${train.length},${validation.length};`);
  for (const ids of [train, validation]) hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
  return { train, validation, fingerprint: hash.digest('hex') };
}

/** Whether a value is a dataset that was made before. */
export function isTokenDataset(value: unknown): value is TokenDataset {
  const dataset = value as Partial<TokenDataset> | null;
  return (
    typeof value === 'object' &&
    dataset !== null &&
    ArrayBuffer.isView(dataset.train) &&
    ArrayBuffer.isView(dataset.validation) &&
    typeof dataset.fingerprint === 'string'
  );
}

/** @throws E_VOCABULARY when some id has no row in the model's embedding table */
export function checkVocabulary(dataset: TokenDataset | TokenCache, vocabSize: number): void {
  if (isTokenCache(dataset)) {
    if (dataset.largestId >= vocabSize) throw outsideVocabulary(dataset.largestId, undefined, vocabSize);
    return;
  }
  const { train, validation } = dataset;
  for (const [ids, offset] of [[train, 0] as const, [validation, train.length] as const]) {
    const found = ids.findIndex((id) => id < 0 || id >= vocabSize);
    if (found >= 0) throw outsideVocabulary(ids[found], offset + found, vocabSize);
  }
}

function encode(text: string, tokenizer: Tokenizer | undefined): Int32Array {
  if (text.trim() === '') throw emptyText('the given string');
  if (typeof tokenizer?.encode !== 'function') {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_TOKENIZER',
      message: 'there is no tokenizer to turn the text into ids',
      fix: 'make the model with a tokenizer, or pass token ids',
    });
  }
  return tokenizer.encode(text); // [tokens]
}

function checkIds(source: ArrayLike<number>): Int32Array {
  const length = (source as ArrayLike<number> | null)?.length;
  if (typeof source !== 'object' || !Number.isSafeInteger(length)) {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_OPTION',
      message: `the data must be text, token ids or a dataset, found ${describeValue(source)}`,
      fix: 'give a string, an array of whole numbers, or what createTokenDataset returns',
    });
  }
  if (length === 0) throw emptyText('the list of token ids');
  const ids = new Int32Array(source.length);
  for (let i = 0; i < ids.length; i++) {
    const id = source[i];
    if (!Number.isInteger(id) || id < 0 || id > 0x7fffffff) {
      throw tesseraeError({
        package: 'trainer',
        code: 'E_VOCABULARY',
        message: `position ${i} holds ${describeValue(id)}, which is no token id`,
        fix: 'token ids are whole numbers from 0 on',
        details: { position: i },
      });
    }
    ids[i] = id;
  }
  return ids;
}
