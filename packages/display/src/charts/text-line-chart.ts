import { checkChoice, checkOptions, checkPositive, checkString } from '../errors/display-error';
import { formatNumber } from '../format/numbers';
import { createDots } from './dots';
import { seriesPoints } from './series';
import type { Point, Series } from './series';
import type { AxisOptions } from './line-chart';

/** A chart of lines made of characters. */
export interface TextLineChartOptions {
  /** The lines. */
  series: readonly Series[];
  /** The chart's title. */
  title?: string;
  /** The x axis: its title and scale. */
  x?: AxisOptions;
  /** The y axis: its title and scale. */
  y?: AxisOptions;
  /** Columns in all, labels included. Default 72. */
  columns?: number;
  /** Rows of the drawing, without title and axis. Default 10. */
  rows?: number;
  /** Give each line a colour, by the escape codes of terminals. Default `false`. */
  colors?: boolean;
}

const OPTIONS = ['series', 'title', 'x', 'y', 'columns', 'rows', 'colors'];

/** Blue, yellow, green, red, cyan, magenta, as terminals know them. */
const COLORS = [34, 33, 32, 31, 36, 35];

/**
 * Draws lines with characters of two by four dots, for terminals and logs. The last value of each line stands in the
 * legend.
 *
 * @param options `series` and optionally `title`, `x`, `y`, `columns`, `rows`, `colors`
 * @returns the drawing, lines with line breaks between them
 * @throws E_CHART_DATA when a series is malformed or nothing can be drawn; E_OPTION for an unknown option or one of the
 *   wrong kind
 *
 * @example
 * ```ts
 * import { textLineChart } from '@tesserae/display';
 *
 * const drawing = textLineChart({ series: [{ name: 'loss', y: [4, 2, 1] }], columns: 12, rows: 2 });
 * console.log(drawing.split('\n')[0]); // → 4 ┤⠑⠢⢄⡀
 * ```
 */
export function textLineChart(options: TextLineChartOptions): string {
  checkOptions('textLineChart', options, OPTIONS);
  const { series, title, x = {}, y = {}, columns = 72, rows = 10, colors = false } = options;
  checkString('textLineChart', 'title', title);
  checkPositive('textLineChart', 'columns', columns);
  checkPositive('textLineChart', 'rows', rows);
  checkChoice('textLineChart', 'colors', colors, [true, false]);
  const points = seriesPoints('textLineChart', series, x.scale === 'log', y.scale === 'log');
  const names = series.map(({ name }) => name);
  const across = spanOf(points.map((point) => point.x).filter(Number.isFinite), x);
  const up = spanOf(
    points.map((point) => point.y).filter((value): value is number => value !== null),
    y,
  );
  const labels = [label(up.high), label(up.low)];
  const margin = Math.max(...labels.map((text) => text.length));
  const width = Math.max(4, Math.floor(columns) - margin - 2);
  const height = Math.max(2, Math.floor(rows));
  const drawn = draw(points, names, across, up, width, height);
  const paint = (text: string, color: number): string =>
    colors && color >= 0 ? `\x1b[${COLORS[color % COLORS.length]}m${text}\x1b[39m` : text;
  const body = drawn.map((cells, row) => {
    const name = row === 0 ? labels[0] : row === height - 1 ? labels[1] : '';
    return `${name.padStart(margin)} ${name === '' ? '│' : '┤'}${runs(cells, paint)}`;
  });
  const space = ' '.repeat(margin + 1);
  return [
    ...(title === undefined ? [] : [oneLine(title)]),
    ...body,
    `${space}└${'─'.repeat(width)}`,
    `${space} ${axisLine(label(across.low), label(across.high), oneLine(x.title ?? ''), width)}`,
    `${space} ${legend(points, names, paint)}`,
  ].join('\n');
}

interface Span {
  low: number;
  high: number;
  /** From 0 at `low` to 1 at `high`. */
  place(value: number): number;
}

function spanOf(values: readonly number[], { scale = 'linear', zero = false }: AxisOptions): Span {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (zero && scale === 'linear') [low, high] = [Math.min(0, low), Math.max(0, high)];
  const on = scale === 'log' ? Math.log : (value: number): number => value;
  const width = on(high) - on(low);
  return { low, high, place: (value) => (width > 0 ? (on(value) - on(low)) / width : 0) };
}

/** One drawn character and whose line it belongs to; -1 where there is none. */
type Cell = readonly [character: string, series: number];

function draw(
  points: readonly Point[],
  names: readonly string[],
  x: Span,
  y: Span,
  width: number,
  height: number,
): Cell[][] {
  const dots = createDots(width, height);
  let before: Point | undefined;
  for (const point of points) {
    const from = before?.series === point.series && before.y !== null ? before : point;
    before = point;
    if (point.y === null) continue;
    const at = ({ x: h, y: v }: Point): [number, number] => [
      x.place(h) * (2 * width - 1),
      (1 - y.place(v!)) * (4 * height - 1),
    ];
    dots.line(at(from), at(point), names.indexOf(point.series));
  }
  return dots.cells();
}

/** The characters of a row; neighbours of one colour share their escape codes. */
function runs(cells: readonly Cell[], paint: (text: string, color: number) => string): string {
  const last = cells.reduce((latest, [, series], i) => (series >= 0 ? i : latest), -1);
  let line = '';
  for (let from = 0; from <= last;) {
    let to = from + 1;
    while (to <= last && cells[to][1] === cells[from][1]) to++;
    line += paint(
      cells
        .slice(from, to)
        .map(([character]) => character)
        .join(''),
      cells[from][1],
    );
    from = to;
  }
  return line;
}

function axisLine(left: string, right: string, title: string, width: number): string {
  const room = width - left.length - right.length;
  const name = title.length + 2 <= room ? title : '';
  const before = Math.max(1, Math.floor((room - name.length) / 2));
  return `${left}${' '.repeat(before)}${name}${' '.repeat(Math.max(1, room - name.length - before))}${right}`;
}

function legend(
  points: readonly Point[],
  names: readonly string[],
  paint: (text: string, color: number) => string,
): string {
  return names
    .map((name, i) => {
      const last = points.filter((point) => point.series === name && point.y !== null).at(-1);
      return `${paint('━', i)} ${oneLine(name)}${last === undefined ? '' : ` ${label(last.y!)}`}`;
    })
    .join('   ');
}

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ');

/** Four digits are enough for an axis. */
const label = (value: number): string => formatNumber(Number(value.toPrecision(4)));
