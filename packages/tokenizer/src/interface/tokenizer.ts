import type { ChatTemplate } from '../chat/chat-template';
import type { BatchEncoding } from '../encoding/batch';
import type { Encoding } from '../encoding/encoding';
import type { EncodingOptions } from '../encoding/options';
import type { EncodeOptions } from './encode-options';
import type { TokenizerJson } from './tokenizer-json';

export type { EncodeOptions } from './encode-options';

/** How ids are turned back into text. */
export interface DecodeOptions {
  /** Leave special tokens out of the text. Default `false`. */
  skipSpecialTokens?: boolean;
  /** Remove the spaces before punctuation and contractions, as `transformers` does for some models. Default `false`. */
  cleanUpSpaces?: boolean;
}

/** How ids that come one by one are turned into text. (Cleaning up spaces would need to see what follows.) */
export interface DecodeStreamOptions {
  /** Leave special tokens out of the text. Default `false`. */
  skipSpecialTokens?: boolean;
}

/** How a batch is encoded. */
export interface BatchEncodingOptions extends Omit<EncodingOptions, 'pair'> {
  /** Give a row to every window of a text that was too long, and not only to its first. Default `false`. */
  overflow?: boolean;
}

/**
 * Turns ids into text piece by piece; the pieces joined are what `decode` gives for all ids at once. (Where
 * tokens stand for single bytes, a run of them is given out when it ends: only then is it known to be UTF-8.)
 */
export interface DecodeStream {
  /**
   * Adds one id and returns the text that is now certain: whole code points only, possibly the empty string.
   * @throws E_TOKEN_ID when the id is not one of the tokenizer's.
   */
  push(id: number): string;
  /** Returns what is left (an unfinished code point becomes U+FFFD) and starts afresh. */
  end(): string;
}

/** Text to ids and back. Tokenizers are values: nothing about them changes after they are made. */
export interface Tokenizer {
  /**
   * `'byte-level-bpe'`, `'character'`, `'bpe'`, `'wordpiece'`, `'unigram'`, `'word-level'`, or `'hugging-face'` for what
   * the library runs.
   */
  readonly kind: string;
  /** One more than the largest id: the number of rows V that an embedding table needs. */
  readonly vocabSize: number;
  /** The special tokens and their ids. */
  readonly specialTokens: Readonly<Record<string, number>>;
  /** Text to ids. A lone surrogate is not text: it is read as U+FFFD. */
  encode(text: string, options?: EncodeOptions): Int32Array; // [T]
  /**
   * A text, or a pair, with everything that is known about its tokens: where they stand in the text (UTF-16 units, as
   * `String.slice` takes), their words, type ids and masks. It can be cut to a length, in windows, and filled up.
   * @throws E_TRUNCATION when there is no room; E_OPTION for an option out of place.
   */
  encodeWithOffsets(text: string, options?: EncodingOptions): Encoding;
  /**
   * Many texts (or pairs) at once, filled up to one length, as arrays that are ready for tensors.
   * @throws E_RAGGED when rows differ in length; and as `encodeWithOffsets`.
   */
  encodeBatch(texts: readonly (string | readonly [string, string])[], options?: BatchEncodingOptions): BatchEncoding;
  /** Ids to text. Bytes that are not UTF-8 become U+FFFD. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** Decodes ids as they come, never splitting a code point. */
  createDecodeStream(options?: DecodeStreamOptions): DecodeStream;
  /** The id of a token as it is written in the vocabulary (byte-level BPE: in GPT-2's byte alphabet). */
  tokenToId(token: string): number | undefined;
  /** The token of an id, as it is written in the vocabulary. */
  idToToken(id: number): string | undefined;
  /** The content of the tokenizer's `tokenizer.json`. */
  toJSON(): TokenizerJson;
  /** How its model wants conversations written, where that is known. */
  readonly chatTemplate?: ChatTemplate | undefined;
}
