import { definePlugin } from '@tesserae/registry';
import { loadTokenizer } from '../files/load-tokenizer';
import type { LoadTokenizerOptions } from '../files/load-tokenizer';
import type { Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { trainByteLevelBpe } from '../training/train-byte-level-bpe';
import type { ByteLevelBpeTrainingOptions } from '../training/train-byte-level-bpe';
import { trainCharacterTokenizer } from '../training/train-character';
import type { CharacterTrainingOptions } from '../training/train-character';
import { trainUnigram } from '../training/train-unigram';
import type { UnigramTrainingOptions } from '../training/train-unigram';
import { trainWordPiece } from '../training/train-word-piece';
import type { WordPieceTrainingOptions } from '../training/train-word-piece';

declare module '@tesserae/registry' {
  interface PluginKinds {
    tokenizer: Tokenizer;
  }
  interface PluginCatalog {
    'tokenizer:byte-level-bpe': typeof byteLevelBpe;
    'tokenizer:character': typeof character;
    'tokenizer:tokenizer-json': typeof tokenizerJson;
    'tokenizer:unigram': typeof unigram;
    'tokenizer:word-piece': typeof wordPiece;
  }
}

/** Options of the `byte-level-bpe` plugin: the texts to learn from, and those of `trainByteLevelBpe`. */
export interface ByteLevelBpePluginOptions extends ByteLevelBpeTrainingOptions {
  /** One text, or many. */
  texts: string | Iterable<string>;
}

/** Options of the `character` plugin: the texts to learn from, and those of `trainCharacterTokenizer`. */
export interface CharacterPluginOptions extends CharacterTrainingOptions {
  /** One text, or many. */
  texts: string | Iterable<string>;
}

/** Options of the `unigram` plugin: the texts to learn from, and those of `trainUnigram`. */
export interface UnigramPluginOptions extends UnigramTrainingOptions {
  /** One text, or many. */
  texts: string | Iterable<string>;
}

/** Options of the `word-piece` plugin: the texts to learn from, and those of `trainWordPiece`. */
export interface WordPiecePluginOptions extends WordPieceTrainingOptions {
  /** One text, or many. */
  texts: string | Iterable<string>;
}

/** Options of the `tokenizer-json` plugin: what to load, and those of `loadTokenizer`. */
export interface TokenizerJsonPluginOptions extends LoadTokenizerOptions {
  /** The path of a `tokenizer.json` or of its folder, or its content. */
  source: string | TokenizerJson;
}

/**
 * The plugin `tokenizer:byte-level-bpe`: trains a byte-level BPE tokenizer on `texts`.
 *
 * @param options `texts`, and the options of `trainByteLevelBpe`
 * @returns the tokenizer
 * @throws as `trainByteLevelBpe`
 *
 * @example
 * ```ts
 * import { createRegistry } from '@tesserae/registry';
 * import { byteLevelBpe } from '@tesserae/tokenizer';
 *
 * const kit = createRegistry([byteLevelBpe]);
 * const tokenizer = await kit.create('tokenizer', 'byte-level-bpe', { texts: 'a rose is a rose', vocabSize: 260 });
 * console.log(tokenizer.kind); // → byte-level-bpe
 * ```
 */
export const byteLevelBpe = /* @__PURE__ */ definePlugin({
  kind: 'tokenizer',
  name: 'byte-level-bpe',
  package: '@tesserae/tokenizer',
  apiVersion: 1,
  description: 'Byte-level BPE, trained on texts: encodes everything',
  create: ({ texts, ...options }: ByteLevelBpePluginOptions): Tokenizer => trainByteLevelBpe(texts, options),
});

/**
 * The plugin `tokenizer:character`: a token for each character of `texts`.
 *
 * @param options `texts`, and the options of `trainCharacterTokenizer`
 * @returns the tokenizer
 * @throws as `trainCharacterTokenizer`
 *
 * @example
 * ```ts
 * import { character } from '@tesserae/tokenizer';
 *
 * console.log(character({ texts: 'abc' }).vocabSize); // → 3
 * ```
 */
export const character = /* @__PURE__ */ definePlugin({
  kind: 'tokenizer',
  name: 'character',
  package: '@tesserae/tokenizer',
  apiVersion: 1,
  description: 'One token for each character of the texts',
  create: ({ texts, ...options }: CharacterPluginOptions): Tokenizer => trainCharacterTokenizer(texts, options),
});

/**
 * The plugin `tokenizer:tokenizer-json`: loads Hugging Face's `tokenizer.json`.
 *
 * @param options `source`, and the options of `loadTokenizer`
 * @returns the tokenizer
 * @throws as `loadTokenizer`
 *
 * @example
 * ```ts
 * import { character, tokenizerJson } from '@tesserae/tokenizer';
 *
 * const source = character({ texts: 'abc' }).toJSON(); // or the path of a file
 * console.log(tokenizerJson({ source }).vocabSize); // → 3
 * ```
 */
export const tokenizerJson = /* @__PURE__ */ definePlugin({
  kind: 'tokenizer',
  name: 'tokenizer-json',
  package: '@tesserae/tokenizer',
  apiVersion: 1,
  description: "A tokenizer from Hugging Face's tokenizer.json",
  create: ({ source, ...options }: TokenizerJsonPluginOptions): Tokenizer => loadTokenizer(source, options),
});

/**
 * The plugin `tokenizer:unigram`: trains a tokenizer on `texts` by `trainUnigram`.
 *
 * @param options `texts`, and the options of `trainUnigram`
 * @returns the tokenizer
 * @throws as `trainUnigram`
 *
 * @example
 * ```ts
 * import { unigram } from '@tesserae/tokenizer';
 *
 * console.log(unigram({ texts: 'a rose is a rose is a rose', vocabSize: 30 }).kind); // → unigram
 * ```
 */
export const unigram = /* @__PURE__ */ definePlugin({
  kind: 'tokenizer',
  name: 'unigram',
  package: '@tesserae/tokenizer',
  apiVersion: 1,
  description: 'Unigram, trained on texts as SentencePiece does',
  create: ({ texts, ...options }: UnigramPluginOptions): Tokenizer => trainUnigram(texts, options),
});

/**
 * The plugin `tokenizer:word-piece`: trains a tokenizer on `texts` by `trainWordPiece`.
 *
 * @param options `texts`, and the options of `trainWordPiece`
 * @returns the tokenizer
 * @throws as `trainWordPiece`
 *
 * @example
 * ```ts
 * import { wordPiece } from '@tesserae/tokenizer';
 *
 * console.log(wordPiece({ texts: 'a rose is a rose is a rose', vocabSize: 30 }).kind); // → wordpiece
 * ```
 */
export const wordPiece = /* @__PURE__ */ definePlugin({
  kind: 'tokenizer',
  name: 'word-piece',
  package: '@tesserae/tokenizer',
  apiVersion: 1,
  description: "WordPiece in the form of BERT's, trained on texts",
  create: ({ texts, ...options }: WordPiecePluginOptions): Tokenizer => trainWordPiece(texts, options),
});
