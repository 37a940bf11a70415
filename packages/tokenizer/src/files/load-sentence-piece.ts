import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import { PIECE, readModelFile } from '../sentence-piece/model-file';
import type { SentencePiece } from '../sentence-piece/model-file';
import { sentencePieceJson } from '../sentence-piece/sentence-piece-json';
import { loadTokenizer } from './load-tokenizer';
import { readBytes } from './read-file';

/** A SentencePiece model, and what to put around texts. */
export interface SentencePieceFile {
  /** The path of the `.model` file. */
  model: string;
  /** Put this control piece in front of texts, such as `<s>`. */
  firstToken?: string;
  /** Put this control piece after texts, such as `</s>`. */
  lastToken?: string;
}

/**
 * Loads a SentencePiece `.model` file, unigram or BPE, with its character map, white space rules and byte fallback.
 *
 * @param file the path of `model`, and optionally `firstToken` and `lastToken`; SentencePiece itself adds neither
 * @returns the tokenizer; `toJSON()` gives the same as a `tokenizer.json`
 * @throws E_TOKENIZER_FILE when the file cannot be read; E_TOKENIZER_JSON when it is damaged or of another kind;
 *   E_SPECIAL_TOKEN when the model has no such control piece; E_OPTION for an unknown option
 * @see Kudo and Richardson, "SentencePiece", section 3; the format: `sentencepiece_model.proto`
 *
 * @example
 * ```ts
 * import { loadSentencePiece } from '@tesserae/tokenizer';
 *
 * try {
 *   loadSentencePiece({ model: 'spiece.model' });
 * } catch (error) {
 *   console.log((error as { code: string }).code); // → E_TOKENIZER_FILE
 * }
 * ```
 */
export function loadSentencePiece(file: SentencePieceFile): Tokenizer {
  checkOptions('loadSentencePiece', file, ['model', 'firstToken', 'lastToken']);
  const model = readModelFile(readBytes(file.model, 'spiece.model'));
  return loadTokenizer(
    sentencePieceJson(model, {
      first: controlId(model.pieces, file.firstToken),
      last: controlId(model.pieces, file.lastToken),
    }),
  );
}

function controlId(pieces: readonly SentencePiece[], name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const id = pieces.findIndex(({ piece, type }) => piece === name && type === PIECE.control);
  if (id >= 0) return id;
  const known = pieces.filter(({ type }) => type === PIECE.control).map(({ piece }) => JSON.stringify(piece));
  throw tokenizerError(
    'E_SPECIAL_TOKEN',
    `${JSON.stringify(name)} is no control piece of this model`,
    known.length === 0 ? 'it has none' : `it has ${known.slice(0, 12).join(', ')}`,
  );
}
