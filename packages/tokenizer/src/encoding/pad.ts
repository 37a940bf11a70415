import { describeValue } from '@tesserae/registry';
import { tokenizerError } from '../errors/tokenizer-error';
import type { Pipeline } from '../pipeline/pipeline';
import { addedRows, joinRows } from './encoding';
import type { EncodingRows } from './encoding';
import type { Padding } from './options';

/** The token that texts are filled up with. */
export interface PadToken {
  id: number;
  token: string;
  typeId: number;
}

const USUAL = ['[PAD]', '<pad>', '<|pad|>', '<PAD>', '<|padding|>'];

/** The padding token that options name, that the tokenizer's file names, or that has one of the usual names. */
export function padTokenOf(pipeline: Pipeline, named: string | undefined): PadToken {
  const idOf = (token: string): number | undefined => pipeline.added.get(token) ?? pipeline.model.vocabulary.get(token);
  const file = (pipeline.json.padding ?? {}) as { pad_id?: unknown; pad_token?: unknown; pad_type_id?: unknown };
  const typeId = Number.isInteger(file.pad_type_id) ? (file.pad_type_id as number) : 0;
  if (named === undefined && typeof file.pad_token === 'string' && Number.isInteger(file.pad_id))
    return { id: file.pad_id as number, token: file.pad_token, typeId };
  const token = named ?? USUAL.find((usual) => pipeline.special.has(usual));
  const id = token === undefined ? undefined : idOf(token);
  if (token === undefined || id === undefined)
    throw tokenizerError(
      'E_SPECIAL_TOKEN',
      token === undefined
        ? 'this tokenizer has no padding token'
        : `padToken ${describeValue(token)} is not in the vocabulary`,
      'pass padToken: a token of the vocabulary, such as the end-of-text token, or padding: false',
    );
  return { id, token, typeId };
}

/** The length to fill up to. */
export function paddedLength({ strategy, length, multipleOf }: Padding, longest: number): number {
  const least = strategy === 'max_length' ? length : longest;
  return Math.ceil(least / multipleOf) * multipleOf;
}

/** Fills rows up to a length. */
export function padRows(rows: EncodingRows, length: number, pad: PadToken, side: 'left' | 'right'): EncodingRows {
  const missing = length - rows.ids.length;
  if (missing <= 0) return rows;
  const filled = Array.from({ length: missing }, () => pad);
  const padding = addedRows(
    filled.map(({ id }) => id),
    filled.map(({ token }) => token),
    pad.typeId,
    0,
  );
  return joinRows(side === 'left' ? [padding, rows] : [rows, padding]);
}
