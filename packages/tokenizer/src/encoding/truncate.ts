import { tokenizerError } from '../errors/tokenizer-error';
import { sliceRows } from './encoding';
import type { EncodingRows } from './encoding';

/** Which text gives way when there is too much. */
export type TruncationStrategy = 'longest_first' | 'only_first' | 'only_second';

export interface Truncation {
  strategy: TruncationStrategy;
  /** Tokens that may be left of both texts together. */
  maxLength: number;
  /** How many tokens a window repeats of the one before it. */
  stride: number;
  side: 'left' | 'right';
}

/** A text in windows: the first is the one that is kept. */
export type Windows = readonly EncodingRows[];

/** Cuts one text, or two, down to a length; what is cut off comes as further windows. */
export function truncate(texts: readonly EncodingRows[], truncation: Truncation | undefined): Windows[] {
  const lengths = texts.map((rows) => rows.ids.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (!truncation || total <= truncation.maxLength) return texts.map((rows) => [rows]);
  const kept = keptLengths(lengths, truncation);
  return texts.map((rows, i) => windows(rows, kept[i], truncation));
}

function keptLengths(lengths: readonly number[], { strategy, maxLength }: Truncation): number[] {
  if (maxLength === 0) return lengths.map(() => 0);
  if (strategy === 'longest_first') {
    if (lengths.length === 1) return [maxLength];
    const shorter = Math.min(...lengths);
    const longer = shorter > maxLength ? shorter : Math.max(shorter, maxLength - shorter);
    const half = Math.floor(maxLength / 2);
    const [small, large] = shorter + longer > maxLength ? [half, half + (maxLength % 2)] : [shorter, longer];
    return lengths[0] > lengths[1] ? [large, small] : [small, large];
  }
  const index = strategy === 'only_first' ? 0 : 1;
  if (index >= lengths.length)
    throw tokenizerError('E_TRUNCATION', 'only_second has no second text to cut', 'pass a pair, or use longest_first');
  const rest = maxLength - lengths.reduce((sum, length, i) => sum + (i === index ? 0 : length), 0);
  if (rest <= 0)
    throw tokenizerError(
      'E_TRUNCATION',
      `${strategy} cannot make room: the other text alone leaves ${rest} of ${maxLength} tokens`,
      'use longest_first, or a larger maxLength',
    );
  return lengths.map((length, i) => (i === index ? rest : length));
}

function windows(rows: EncodingRows, size: number, { stride, side }: Truncation): Windows {
  const length = rows.ids.length;
  if (size >= length) return [rows];
  if (size === 0) return [sliceRows(rows, 0, 0), rows];
  if (stride >= size)
    throw tokenizerError(
      'E_TRUNCATION',
      `stride is ${stride}, but a window holds ${size} tokens of this text`,
      'use a smaller stride, or a larger maxLength',
    );
  const step = size - stride;
  const found: EncodingRows[] = [];
  if (side === 'right')
    for (let start = 0; ; start += step) {
      found.push(sliceRows(rows, start, Math.min(start + size, length)));
      if (start + size >= length) return found;
    }
  for (let end = length; ; end -= step) {
    found.push(sliceRows(rows, Math.max(0, end - size), end));
    if (end <= size) return found;
  }
}
