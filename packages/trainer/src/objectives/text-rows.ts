import type { Tokenizer } from '@tesserae/tokenizer';
import { emptyText } from '../data/data-errors';
import { textIds } from '../data/streams/text-events';
import type { Objective } from './objective';
import { checkRows } from './objective-errors';
import { preparePacked } from './packed-rows';

/** How texts become sequences for the prediction of the next token. */
export interface TextSequences {
  readonly tokenizer: Pick<Tokenizer, 'encode'>;
  /** The column of the text. */
  readonly column: string;
  /** Stands after every text that does not end with it; none when absent. */
  readonly endId: number | undefined;
  /** Tokens of a sequence at most: longer texts become several. */
  readonly contextLength: number;
}

/** A piece of a text, and the token after it. */
type Piece = Int32Array;

/** The ids of a text in pieces of T, each with the token after it; none of a text of less than two tokens. */
export function textPieces(ids: Int32Array, T: number): Int32Array[] {
  const pieces: Piece[] = [];
  for (let at = 0; at + 1 < ids.length; at += T) pieces.push(ids.slice(at, at + T + 1));
  return pieces;
}

/** Texts as rows of their own, packed: what `train` takes up where it has no objective. */
export function textRows(texts: TextSequences): Pick<Objective, 'name' | 'prepare'> {
  const name = 'train';
  const { contextLength: T } = texts;
  const piecesOf = (row: unknown): Piece[] => textPieces(textIds(row, texts), T);
  return {
    name,
    prepare(model, data, settings) {
      checkRows(name, data, 'texts');
      const kept =
        settings.evaluationBatches === 0 ? 0 : Math.max(1, Math.round(data.length * settings.validationFraction));
      const train = data.slice(0, data.length - kept).flatMap(piecesOf);
      const validation = data.slice(data.length - kept).flatMap(piecesOf);
      if (train.length === 0) throw emptyText('the training data');
      const source = {
        objective: name,
        rows: [...train, ...validation],
        ids: (piece: Piece) => [Array.from(piece)],
        fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 },
        masks: {},
        make: (piece: Piece) => ({ inputIds: Array.from(piece.slice(0, -1)), labels: Array.from(piece.slice(1)) }),
      };
      return preparePacked(model, { ...settings, contextLength: T }, source, { train, validation });
    },
  };
}
