import { tokenizerError } from '../errors/tokenizer-error';

/** The error for a `.model` file that cannot be used. */
export function modelFileError(what: string, cause?: unknown): Error {
  return tokenizerError(
    'E_TOKENIZER_JSON',
    `SentencePiece model: ${what}`,
    'use the .model file that SentencePiece wrote, of type unigram or bpe',
    cause === undefined ? {} : { cause },
  );
}
