import { describeValue } from '@tesserae/registry';
import type { TokenizerPartJson } from '../interface/tokenizer-json';
import type { Span } from '../patterns/pattern';
import { slicePiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';
import { jsonError } from '../tokenizer-json/check';

const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
/** What becomes of the delimiters that a text is cut at. */
export type SplitBehavior = (typeof BEHAVIORS)[number];

/** The setting `behavior` of a part. */
export function readBehavior(part: TokenizerPartJson, otherwise?: SplitBehavior): SplitBehavior {
  const value = part.behavior ?? otherwise;
  const found = BEHAVIORS.find((one) => one === value);
  if (found) return found;
  throw jsonError(`${part.type}.behavior is ${describeValue(value)}, expected one of ${BEHAVIORS.join(', ')}`);
}

/** Cuts a piece at the spans that matched; empty parts are left out. */
export function splitPiece(piece: Piece, spans: readonly Span[], behavior: SplitBehavior): Piece[] {
  const pieces: Piece[] = [];
  for (const [start, end] of behave(spans, behavior)) if (end > start) pieces.push(slicePiece(piece, start, end));
  return pieces;
}

function behave(spans: readonly Span[], behavior: SplitBehavior): readonly (readonly [number, number, boolean])[] {
  if (behavior === 'Isolated') return spans;
  if (behavior === 'Removed') return spans.filter(([, , matched]) => !matched);
  const merged: [number, number, boolean][] = [];
  let previous = false;
  if (behavior === 'MergedWithNext') {
    for (const [start, end, matched] of [...spans].reverse()) {
      const last = merged.at(-1);
      if (matched && !previous && last) last[0] = start;
      else merged.push([start, end, matched]);
      previous = matched;
    }
    return merged.reverse();
  }
  for (const [start, end, matched] of spans) {
    const last = merged.at(-1);
    const joins = behavior === 'Contiguous' ? matched === previous : matched && !previous;
    if (joins && last) last[1] = end;
    else merged.push([start, end, matched]);
    previous = matched;
  }
  return merged;
}
