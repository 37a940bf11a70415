import { ggufTokenizerJson } from '../gguf/gguf-tokenizer-json';
import { readGgufMetadata } from '../gguf/read-metadata';
import type { Tokenizer } from '../interface/tokenizer';
import { loadTokenizer } from './load-tokenizer';
import { fileError, openAtMost } from './read-file';

/** The vocabulary stands at the beginning of a file, which may be as large as its model. */
const LARGEST_METADATA_BYTES = 256 * 1024 * 1024;

/**
 * Loads the tokenizer of a GGUF file, the format of llama.cpp, from its metadata: SentencePiece BPE (`llama`), Unigram
 * (`t5`), byte-level BPE (`gpt2`, with the words of GPT-2, Llama 3 or Qwen 2) or WordPiece (`bert`).
 *
 * @param file the path of a `.gguf` file; only its beginning is read
 * @returns the tokenizer
 * @throws E_TOKENIZER_FILE when the file cannot be read; E_TOKENIZER_JSON when it is damaged or its vocabulary of
 *   another kind
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "Tokenizer"
 *
 * @example
 * ```ts
 * import { loadGgufTokenizer } from '@tesserae/tokenizer';
 *
 * try {
 *   loadGgufTokenizer('model.gguf');
 * } catch (error) {
 *   console.log((error as { code: string }).code); // → E_TOKENIZER_FILE
 * }
 * ```
 */
export function loadGgufTokenizer(file: string): Tokenizer {
  if (typeof file !== 'string') throw fileError('the path is no string', 'pass the path of a .gguf file');
  return loadTokenizer(ggufTokenizerJson(readGgufMetadata(openAtMost(file, LARGEST_METADATA_BYTES))));
}
