import { integers, permutation, splitKey } from '@tesserae/core';
import type { Key } from '@tesserae/core';

/** How much of a text is noise. */
export interface NoiseSettings {
  /** Share of the tokens. */
  readonly density: number;
  readonly meanSpanLength: number;
  /** Spans at most. */
  readonly mostSpans: number;
  /** Whether a span may stand first, and need not stand last; else a text begins with what is kept and ends in a span. */
  readonly anywhere?: boolean;
}

/** As Python and NumPy round: halves to the even number. */
function round(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** How many tokens of a text of `length` are noise, and in how many spans: at least one token is noise, and one is not. */
export function countNoise(
  length: number,
  { density, meanSpanLength, mostSpans }: NoiseSettings,
): { tokens: number; spans: number } {
  const tokens = Math.min(Math.max(round(length * density), 1), length - 1);
  const most = Math.min(tokens, length - tokens); // every span has a token, and one before it
  return { tokens, spans: Math.min(Math.max(round(most / meanSpanLength), 1), mostSpans) };
}

/** Tokens of inputs and targets that come of a text of `length`: a sentinel for each span, and the end. */
export function corruptionLengths(length: number, noise: NoiseSettings): { inputs: number; targets: number } {
  const { tokens, spans } = countNoise(length, noise);
  return { inputs: length - tokens + spans + 1, targets: tokens + spans + 1 };
}

/** The longest text whose inputs have `longest` tokens at most. */
export function rawLengthFor(longest: number, noise: NoiseSettings): number {
  let length = 1;
  while (corruptionLengths(length + 1, noise).inputs <= longest) length++;
  return length;
}

/**
 * Lengths of what is kept and what is taken, one after the other, beginning with what is kept; all divisions alike likely. What
 * is kept first can be nothing, and there can be more of it at the end, where spans may stand anywhere.
 */
export function drawNoise(
  length: number,
  key: Key,
  noise: NoiseSettings,
): { kept: readonly number[]; taken: readonly number[] } {
  const { tokens, spans } = countNoise(length, noise);
  const [takenKey, keptKey, placeKey] = splitKey(key, 3);
  const kept = divide(length - tokens, spans, keptKey);
  const [before] = noise.anywhere ? integers(placeKey, 1, 0, kept[0] + 1) : kept; // the rest of it goes to the end
  return { kept: [before, ...kept.slice(1)], taken: divide(tokens, spans, takenKey) };
}

/** Divides items into parts, none of them empty. */
function divide(items: number, parts: number, key: Key): number[] {
  const lengths = [1];
  const order = items > 1 ? permutation(key, items - 1) : [];
  for (const place of order) {
    if (place < parts - 1) lengths.push(1);
    else lengths[lengths.length - 1]++;
  }
  return lengths;
}
