import { modelFileError } from './model-file-error';
import { protobufFields } from './protobuf';

/** What a piece is, by SentencePiece's numbers. */
export const PIECE = { normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6 } as const;

/** A piece of a SentencePiece vocabulary. */
export interface SentencePiece {
  piece: string;
  score: number;
  type: number;
}

/** What of a SentencePiece model is used. */
export interface SentencePieceModel {
  pieces: SentencePiece[];
  kind: 'unigram' | 'bpe';
  byteFallback: boolean;
  characterMap: Uint8Array;
  addDummyPrefix: boolean;
  removeExtraWhitespaces: boolean;
  escapeWhitespaces: boolean;
}

/** More pieces than this are taken for damage. */
const MOST_PIECES = 1 << 24;

/** Reads a SentencePiece `.model` file. */
export function readModelFile(bytes: Uint8Array): SentencePieceModel {
  const model: SentencePieceModel = {
    pieces: [],
    kind: 'unigram',
    byteFallback: false,
    characterMap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  };
  try {
    for (const field of protobufFields(bytes)) {
      if (!('bytes' in field)) continue;
      if (field.number === 1) model.pieces.push(readPiece(field.bytes));
      else if (field.number === 2) readTrainer(field.bytes, model);
      else if (field.number === 3) readNormalizer(field.bytes, model);
      if (model.pieces.length > MOST_PIECES) throw modelFileError(`it has more than ${MOST_PIECES} pieces`);
    }
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'E_TOKENIZER_JSON') throw cause;
    throw modelFileError(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (model.pieces.length === 0) throw modelFileError('it has no pieces');
  checkPieces(model.pieces);
  return model;
}

function readPiece(bytes: Uint8Array): SentencePiece {
  const piece: SentencePiece = { piece: '', score: 0, type: PIECE.normal };
  for (const field of protobufFields(bytes)) {
    if (field.number === 1 && 'bytes' in field)
      piece.piece = new TextDecoder('utf-8', { fatal: true }).decode(field.bytes);
    if (field.number === 2 && 'float' in field) piece.score = field.float;
    if (field.number === 3 && 'value' in field) piece.type = field.value;
  }
  return piece;
}

function checkPieces(pieces: readonly SentencePiece[]): void {
  const known = new Set<string>();
  for (const [id, { piece, score, type }] of pieces.entries()) {
    if (piece === '') throw modelFileError(`piece ${id} is empty`);
    if (known.has(piece)) throw modelFileError(`it lists ${JSON.stringify(piece)} twice`);
    if (!Number.isFinite(score)) throw modelFileError(`piece ${id} has the score ${score}`);
    if (!Object.values(PIECE).includes(type as 1)) throw modelFileError(`piece ${id} is of type ${type}`);
    known.add(piece);
  }
}

function readTrainer(bytes: Uint8Array, model: SentencePieceModel): void {
  for (const field of protobufFields(bytes)) {
    if (!('value' in field)) continue;
    if (field.number === 3) {
      if (field.value !== 1 && field.value !== 2)
        throw modelFileError(`it is of type ${field.value}, neither unigram nor bpe`);
      model.kind = field.value === 1 ? 'unigram' : 'bpe';
    }
    if (field.number === 24 && field.value !== 0) throw modelFileError('it treats white space as a suffix');
    if (field.number === 35) model.byteFallback = field.value !== 0;
  }
}

function readNormalizer(bytes: Uint8Array, model: SentencePieceModel): void {
  for (const field of protobufFields(bytes)) {
    if (field.number === 2 && 'bytes' in field) model.characterMap = field.bytes;
    if (field.number === 3 && 'value' in field) model.addDummyPrefix = field.value !== 0;
    if (field.number === 4 && 'value' in field) model.removeExtraWhitespaces = field.value !== 0;
    if (field.number === 5 && 'value' in field) model.escapeWhitespaces = field.value !== 0;
  }
}
