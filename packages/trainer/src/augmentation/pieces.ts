/**
 * Every change of a text is a list of pieces in their new order: parts of the old text as they were or changed, and added
 * text. A span is carried along where its parts still stand together; where they do not, the change is refused.
 */
import type { InsideSpans, LabelledSpan, TextExample } from './augmenter';

/** A part of the old text with its new text, where that differs; or, without a place, added text. */
export interface Piece {
  readonly start?: number;
  readonly end?: number;
  readonly text?: string;
}

/** Old text from start to end that becomes another; with start = end, text put in there. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface Placed {
  readonly from: number;
  readonly to: number;
  readonly out: number;
  readonly outEnd: number;
  readonly changed: boolean;
}

/** Pieces with their places in the old and in the new text. */
function place(text: string, pieces: readonly Piece[]): { readonly text: string; readonly placed: Placed[] } {
  let built = '';
  const placed = pieces.map(({ start = -1, end = -1, text: added }) => {
    const out = built.length;
    built += added ?? text.slice(start, end);
    return { from: start, to: end, out, outEnd: built.length, changed: added !== undefined };
  });
  return { text: built, placed };
}

/** Where a span stands in the new text; undefined when its parts no longer stand together, or nothing is left of them. */
function carry(
  [start, end, label]: LabelledSpan,
  placed: readonly Placed[],
  built: string,
  old: string,
): LabelledSpan | undefined {
  const has = ({ from, to }: Placed): boolean => Math.max(from, start) < Math.min(to, end);
  const first = placed.findIndex(has);
  const last = placed.map(has).lastIndexOf(true);
  if (first < 0) return undefined;
  let covered = 0;
  for (let i = first; i <= last; i++) {
    const { from, to, changed } = placed[i];
    if (from === to) continue; // added in between
    if (!has(placed[i])) return undefined; // something from elsewhere
    if (changed && (from < start || to > end)) return undefined; // changed across the edge
    if ((from < start && i !== first) || (to > end && i !== last)) return undefined;
    covered += Math.min(to, end) - Math.max(from, start);
  }
  if (covered !== end - start) return undefined; // a part was left out
  let out = placed[first].out + Math.max(0, start - placed[first].from);
  let outEnd = placed[last].outEnd - Math.max(0, placed[last].to - end);
  if (/\S/.test(old[start])) while (out < outEnd && /\s/.test(built[out])) out++;
  if (/\S/.test(old[end - 1])) while (outEnd > out && /\s/.test(built[outEnd - 1])) outEnd--;
  return out < outEnd ? [out, outEnd, label] : undefined;
}

/** The example with its text put together anew; undefined when nothing changes or a span would no longer hold. */
export function rebuild<E extends TextExample>(
  example: E,
  pieces: readonly Piece[],
  insideSpans: InsideSpans,
): E | undefined {
  const { text: built, placed } = place(example.text, pieces);
  if (built === example.text) return undefined;
  if (example.spans === undefined) return { ...example, text: built };
  const spans: LabelledSpan[] = [];
  for (const span of example.spans) {
    const carried = carry(span, placed, built, example.text);
    if (carried === undefined) return undefined;
    const same = built.slice(carried[0], carried[1]) === example.text.slice(span[0], span[1]);
    if (!same && insideSpans === 'refuse') return undefined;
    spans.push(carried);
  }
  return { ...example, text: built, spans };
}

/** A text as pieces, with edits that are sorted and do not overlap. */
function piecesOf(text: string, edits: readonly Edit[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const { start, end, text: added } of edits) {
    if (at < start) pieces.push({ start: at, end: start });
    pieces.push(start === end ? { text: added } : { start, end, text: added });
    at = end;
  }
  if (at < text.length) pieces.push({ start: at, end: text.length });
  return pieces;
}

/** The example after as many of the edits as its spans allow; undefined when there is none. Overlapping edits give way. */
export function applyEdits<E extends TextExample>(
  example: E,
  edits: readonly Edit[],
  insideSpans: InsideSpans,
): E | undefined {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  const apart: Edit[] = [];
  for (const edit of sorted) if (apart.length === 0 || edit.start >= apart[apart.length - 1].end) apart.push(edit);
  const whole = rebuild(example, piecesOf(example.text, apart), insideSpans);
  if (whole !== undefined || apart.length < 2) return whole;
  let kept: Edit[] = [];
  for (const edit of apart)
    if (rebuild(example, piecesOf(example.text, [...kept, edit]), insideSpans) !== undefined) kept = [...kept, edit];
  return kept.length === 0 ? undefined : rebuild(example, piecesOf(example.text, kept), insideSpans);
}
