import { checkPairs, metricInput } from './check-pairs';
import { averageScores, scoreOfCounts } from './f1-score';
import type { ClassScore, F1Average, PrecisionRecallF1 } from './f1-score';

/** A run of tokens of one type. */
export interface Span {
  readonly type: string;
  /** First token. */
  readonly start: number;
  /** Last token. */
  readonly end: number;
}

/** Span scores, and those of each type. */
export interface SpanScore extends PrecisionRecallF1 {
  readonly perType: readonly ClassScore[];
}

interface Tag {
  readonly mark: string;
  readonly type: string;
}

const readTag = (tag: string): Tag => ({ mark: tag[0] ?? 'O', type: tag.slice(tag.indexOf('-') + 1 || 1) || '_' });

const ends = (before: Tag, tag: Tag): boolean =>
  before.mark === 'E' ||
  before.mark === 'S' ||
  (before.mark !== 'O' && ('BSO'.includes(tag.mark) || before.type !== tag.type));

const starts = (before: Tag, tag: Tag): boolean =>
  tag.mark === 'B' ||
  tag.mark === 'S' ||
  (tag.mark !== 'O' && ('ESO'.includes(before.mark) || before.type !== tag.type));

/**
 * The spans that tags in one of the usual schemes (IOB1, IOB2, IOE, IOBES) mark; a wrong beginning is forgiven.
 *
 * @param tags one for each token: `O`, or a mark such as `B` or `I`, a hyphen and a type
 * @returns the spans in order
 *
 * Reference: `get_entities` of seqeval, which repeats the CoNLL-2000 script.
 *
 * @example
 * ```ts
 * import { spansOf } from '@tesserae/trainer';
 * console.log(spansOf(['B-PER', 'I-PER', 'O', 'B-LOC'])); // → [ { type: 'PER', start: 0, end: 1 }, { type: 'LOC', start: 3, end: 3 } ]
 * ```
 */
export function spansOf(tags: readonly string[]): Span[] {
  const spans: Span[] = [];
  let before: Tag = { mark: 'O', type: '_' };
  let start = 0;
  [...tags.map(readTag), { mark: 'O', type: '_' }].forEach((tag, i) => {
    if (ends(before, tag)) spans.push({ type: before.type, start, end: i - 1 });
    if (starts(before, tag)) start = i;
    before = tag;
  });
  return spans;
}

/** How many spans of each type were predicted, are there, and are both. */
export function spanCounts(
  predictions: readonly string[],
  labels: readonly string[],
): Map<string, [hits: number, predicted: number, actual: number]> {
  const counts = new Map<string, [number, number, number]>();
  const of = (type: string): [number, number, number] => {
    if (!counts.has(type)) counts.set(type, [0, 0, 0]);
    return counts.get(type)!;
  };
  const key = ({ type, start, end }: Span): string => `${start} ${end} ${type}`;
  const actual = spansOf(labels);
  const known = new Set(actual.map(key));
  for (const span of actual) of(span.type)[2]++;
  for (const span of spansOf(predictions)) {
    of(span.type)[1]++;
    if (known.has(key(span))) of(span.type)[0]++;
  }
  return counts;
}

/** The scores of the counts of a corpus. */
export function spanScoreOf(
  rows: readonly ReadonlyMap<string, readonly [number, number, number]>[],
  average: Exclude<F1Average, 'binary'> = 'micro',
): SpanScore {
  const sums = new Map<string, [number, number, number]>();
  for (const row of rows)
    for (const [type, counts] of row) {
      const sum = sums.get(type) ?? [0, 0, 0];
      sums.set(type, [sum[0] + counts[0], sum[1] + counts[1], sum[2] + counts[2]]);
    }
  const types = [...sums.keys()].sort();
  const perType = types.map((label): ClassScore => {
    const [hits, predicted, actual] = sums.get(label)!;
    return { label, ...scoreOfCounts(hits, predicted, actual), support: actual };
  });
  const all = [...sums.values()].reduce(([a, b, c], [x, y, z]) => [a + x, b + y, c + z], [0, 0, 0]);
  const weights = perType.map(({ support }) => (average === 'macro' ? 1 : support));
  return { ...(average === 'micro' ? scoreOfCounts(...all) : averageScores(perType, weights)), perType };
}

/**
 * Precision, recall and F1 of spans: right is a span with the right type, beginning and end.
 *
 * @param predictions [N] texts, of each the tags of its tokens
 * @param labels [N], the right tags
 * @param average over types: `micro` (default), `macro`, `weighted`
 * @returns the averages, and the scores of each type
 * @throws E_METRIC_INPUT when lists differ in length or are empty
 *
 * Tjong Kim Sang and De Meulder: "Introduction to the CoNLL-2003 Shared Task" (2003), section 2.4; numbers as seqeval.
 *
 * @example
 * ```ts
 * import { spanF1 } from '@tesserae/trainer';
 * const right = [['O', 'B-MISC', 'I-MISC', 'O'], ['B-PER', 'I-PER']];
 * const found = [['B-MISC', 'I-MISC', 'I-MISC', 'O'], ['B-PER', 'I-PER']];
 * console.log(spanF1(found, right).f1); // → 0.5
 * ```
 */
export function spanF1(
  predictions: readonly (readonly string[])[],
  labels: readonly (readonly string[])[],
  average: Exclude<F1Average, 'binary'> = 'micro',
): SpanScore {
  checkPairs('spanF1', ['predictions', predictions], ['labels', labels]);
  const rows = predictions.map((tags, i) => {
    if (tags.length !== labels[i].length)
      throw metricInput(
        'spanF1',
        `sample ${i} has ${tags.length} predicted tags and ${labels[i].length} right ones`,
        'give a tag for each token',
      );
    return spanCounts(tags, labels[i]);
  });
  return spanScoreOf(rows, average);
}
