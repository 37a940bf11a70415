import type { Model } from '@tesserae/core';
import { badRows, learnersTokenizer } from './objective-errors';

/** A text, or two, as a model reads them. */
export interface TextRow {
  readonly ids: readonly number[];
  /** Which of the two a token belongs to; absent for one text. */
  readonly typeIds?: readonly number[];
}

/**
 * The ids of a text, or of a pair, with the special tokens around them. What is cut from one that is too long is text, not the
 * token that closes it.
 *
 * @throws E_OBJECTIVE_DATA when it is no text, or holds no token
 */
export function encodeRow(
  objective: string,
  model: Model,
  { text, pair, index }: { readonly text: unknown; readonly pair?: unknown; readonly index: number },
  longest: number,
): TextRow {
  if (typeof text !== 'string' || (pair !== undefined && typeof pair !== 'string'))
    throw badRows(objective, `row ${index} has no text`, 'give { text, label }, and pair where there is a second text');
  const tokenizer = learnersTokenizer(objective, model);
  const ids = pair === undefined ? Array.from(tokenizer.encode(text)) : [];
  if (pair === undefined && ids.length === 0)
    throw badRows(objective, `the text of row ${index} holds no token`, 'leave empty texts out');
  if (pair === undefined && ids.length <= longest) return { ids };
  const cut = { truncation: true, maxLength: longest, ...(pair === undefined ? {} : { pair }) };
  const encoding = tokenizer.encodeWithOffsets(text, longest === Infinity ? { pair: pair! } : cut);
  const found = Array.from(encoding.ids);
  return pair === undefined ? { ids: found } : { ids: found, typeIds: Array.from(encoding.typeIds) };
}
