import { describeValue } from '@tesserae/registry';
import { createByteLevelBpe, isPlainByteLevelBpe } from '../byte-level/byte-level-bpe';
import { isCharacterJson } from '../character/character-json';
import { createCharacterTokenizer } from '../character/character-tokenizer';
import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import { createHuggingFaceTokenizer } from '../hugging-face/hugging-face-tokenizer';
import type { Tokenizer } from '../interface/tokenizer';
import { createPipelineTokenizer } from '../pipeline/pipeline-tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { checkTokenizerJson } from '../tokenizer-json/check';
import { readJsonFile } from './read-file';

/** How to run a `tokenizer.json`. */
export interface LoadTokenizerOptions {
  /**
   * `'automatic'` (the default) runs the tokenizer here, which is faster and exact; `'hugging-face'` has
   * `@huggingface/tokenizers` turn text into ids and back.
   */
  engine?: 'automatic' | 'hugging-face';
}

/**
 * Loads a tokenizer from Hugging Face's `tokenizer.json`: BPE, WordPiece and Unigram, with their normalizers,
 * pre-tokenizers, post-processors and decoders.
 *
 * Nothing in the file is trusted: sizes, ids, names and types are checked first. (Its regular expressions do run, so a
 * file from a stranger can be slow on purpose.)
 *
 * @param fileOrJson the path of a `tokenizer.json` or of the folder that holds it, or the file's content
 * @param options `engine`
 * @returns the tokenizer; its `toJSON()` is the content that was loaded
 * @throws E_TOKENIZER_FILE when the file cannot be read; E_TOKENIZER_JSON when its content cannot be used; E_OPTION for
 *   an unknown option
 * @see the format: https://huggingface.co/docs/tokenizers
 *
 * @example
 * ```ts
 * import { loadTokenizer, trainCharacterTokenizer } from '@tesserae/tokenizer';
 *
 * const content = trainCharacterTokenizer('hello world').toJSON(); // or the path of a file
 * const tokenizer = loadTokenizer(content);
 * console.log(tokenizer.decode(tokenizer.encode('low'))); // → low
 * ```
 */
export function loadTokenizer(fileOrJson: string | TokenizerJson, options: LoadTokenizerOptions = {}): Tokenizer {
  checkOptions('loadTokenizer', options, ['engine']);
  const { engine = 'automatic' } = options;
  if (engine !== 'automatic' && engine !== 'hugging-face')
    throw tokenizerError('E_OPTION', `engine is ${describeValue(engine)}`, "use 'automatic' or 'hugging-face'");
  const content = typeof fileOrJson === 'string' ? readJsonFile(fileOrJson, 'tokenizer.json') : fileOrJson;
  const json = checkTokenizerJson(content);
  if (engine === 'automatic') {
    if (isPlainByteLevelBpe(json)) return createByteLevelBpe(json);
    if (isCharacterJson(json)) return createCharacterTokenizer(json);
    return createPipelineTokenizer(json);
  }
  return createHuggingFaceTokenizer(json);
}
