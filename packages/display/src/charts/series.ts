import { describeValue } from '@tesserae/registry';
import { displayError } from '../errors/display-error';

/** A line of a chart: its name and its points. */
export interface Series {
  /** The name in the legend. */
  name: string;
  /** The points' places on the x axis. Default 0, 1, 2, …. */
  x?: ArrayLike<number>;
  /** The points' heights. A value that is not finite (or not positive, on a logarithmic axis) is a gap. */
  y: ArrayLike<number>;
  /** A dashed line, for what is only a reference. */
  dashed?: boolean;
  /** Draw the values faintly and their running average over them, as noisy losses need. */
  smooth?: boolean;
}

/** A point as Vega-Lite takes it; `null` breaks the line. */
export interface Point {
  series: string;
  x: number;
  y: number | null;
  /** The value itself where `y` is a running average; only on smoothed series. */
  raw?: number | null;
}

/** More points than this on one line cannot be told apart. */
const MOST_POINTS = 1500;

/** Checks series and turns them into rows. */
export function seriesPoints(caller: string, series: unknown, logX: boolean, logY: boolean): Point[] {
  if (!Array.isArray(series) || series.length === 0)
    throw displayError(
      'E_CHART_DATA',
      `series of ${caller} is ${describeValue(series)}`,
      'pass at least one { name, y }',
    );
  const names = new Set<string>();
  const rows: Point[] = [];
  for (const [i, one] of (series as Partial<Series>[]).entries()) {
    if (typeof one?.name !== 'string' || !isNumbers(one.y) || (one.x !== undefined && !isNumbers(one.x)))
      throw displayError(
        'E_CHART_DATA',
        `series[${i}] of ${caller} needs a name and numbers, found name ${describeValue(one?.name)} and y ${describeValue(one?.y)}`,
        "pass { name: 'loss', y: [2.3, 2.1] }",
      );
    if (one.x && one.x.length !== one.y.length)
      throw displayError(
        'E_CHART_DATA',
        `series ${describeValue(one.name)} of ${caller} has ${one.x.length} x for ${one.y.length} y`,
        'pass as many of one as of the other',
      );
    if (names.has(one.name))
      throw displayError(
        'E_CHART_DATA',
        `two series of ${caller} are named ${describeValue(one.name)}`,
        'give each its own name',
      );
    names.add(one.name);
    rows.push(...points(one as Series, logX, logY));
  }
  if (!rows.some((row) => row.y !== null))
    throw displayError('E_CHART_DATA', `${caller} has no point that can be drawn`, 'pass at least one finite value');
  return rows;
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  if (typeof value !== 'object' || value === null) return false;
  const { length } = value as { length?: unknown };
  if (typeof length !== 'number') return false;
  if (ArrayBuffer.isView(value)) return true;
  for (let i = 0; i < length; i++) {
    const item = (value as ArrayLike<unknown>)[i];
    if (typeof item !== 'number' && item !== null && item !== undefined) return false;
  }
  return true;
}

function points({ name, x, y, smooth }: Series, logX: boolean, logY: boolean): Point[] {
  const rows: Point[] = [];
  for (let i = 0; i < y.length; i++) {
    const at = x ? Number(x[i]) : i;
    if (!Number.isFinite(at) || (logX && at <= 0)) continue;
    const value = y[i];
    const drawable = typeof value === 'number' && Number.isFinite(value) && (!logY || value > 0);
    rows.push({ series: name, x: at, y: drawable ? value : null });
  }
  return thin(smooth ? smoothed(rows) : rows);
}

/** The share of a series that its running average looks at, on each side. */
const SMOOTHING_SHARE = 0.01;

/**
 * Each value averaged with its neighbours, less and less the further they are (weights exp(−distance ÷ reach), to both
 * sides, so that the average does not lag behind a falling loss).
 */
function smoothed(rows: readonly Point[]): Point[] {
  const keep = Math.exp(-1 / Math.max(1, rows.length * SMOOTHING_SHARE));
  const sums = new Float64Array(rows.length);
  const weights = new Float64Array(rows.length);
  const sweep = (from: number, step: number): void => {
    let sum = 0;
    let weight = 0;
    for (let i = from; i >= 0 && i < rows.length; i += step) {
      sums[i] += sum; // what lies behind, without the value itself
      weights[i] += weight;
      const { y } = rows[i];
      sum = keep * (sum + (y ?? 0));
      weight = keep * (weight + (y === null ? 0 : 1));
    }
  };
  sweep(0, 1);
  sweep(rows.length - 1, -1);
  return rows.map((row, i) => (row.y === null ? row : { ...row, y: (sums[i] + row.y) / (weights[i] + 1), raw: row.y }));
}

const height = (row: Point): number | null => (row.raw === undefined ? row.y : row.raw);

/** Keeps of every stretch the lowest and the highest point, so that spikes stay. */
function thin(rows: Point[]): Point[] {
  if (rows.length <= MOST_POINTS) return rows;
  const stretches = MOST_POINTS / 2;
  const kept: Point[] = [];
  for (let k = 0; k < stretches; k++) {
    const from = Math.floor((k * rows.length) / stretches);
    const to = Math.floor(((k + 1) * rows.length) / stretches);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      const y = height(rows[i]);
      if (y === null) continue;
      if (height(rows[low]) === null || y < height(rows[low])!) low = i;
      if (height(rows[high]) === null || y > height(rows[high])!) high = i;
    }
    for (const i of new Set([Math.min(low, high), Math.max(low, high)])) kept.push(rows[i]);
  }
  if (kept.at(-1) !== rows.at(-1)) kept.push(rows.at(-1)!);
  return kept;
}
