import type { ChatTemplate } from '../chat/chat-template';
import type { TokenizerJson } from './tokenizer-json';

/** How text is turned into ids. */
export interface EncodeOptions {
  /**
   * Run the tokenizer's post-processor, which may add tokens such as a begin-of-text token. Default `true`.
   * Tokenizers trained here have none, so it changes nothing for them.
   */
  addSpecialTokens?: boolean;
  /**
   * Which special tokens written out in the text become their id: all of them (`true`, the default, as in
   * Hugging Face), none (`false`: text from strangers stays text), or only the listed ones.
   */
  parseSpecialTokens?: boolean | readonly string[];
}

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

/** Turns ids into text piece by piece; the pieces joined are what `decode` gives for all ids at once. */
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
  /** `'byte-level-bpe'`, `'character'`, or `'hugging-face'` for those that the library runs. */
  readonly kind: string;
  /** One more than the largest id: the number of rows V that an embedding table needs. */
  readonly vocabSize: number;
  /** The special tokens and their ids. */
  readonly specialTokens: Readonly<Record<string, number>>;
  /** Text to ids. A lone surrogate is not text: it is read as U+FFFD. */
  encode(text: string, options?: EncodeOptions): Int32Array; // [T]
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
