/** A line of a chart: the mark that draws it, and its points. */
export interface TextSeries {
  readonly name: string;
  readonly mark: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Draws lines with letters, for terminals and logs; later series stand over earlier ones. */
export function textChart(series: readonly TextSeries[], width = 72, height = 16): string {
  const points = series.flatMap(({ x, y }) => x.map((value, i) => [value, y[i]] as const));
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length === 0) return '(nothing to draw)';
  const span = (values: readonly number[]): [number, number] => [
    values.reduce((a, b) => Math.min(a, b)),
    values.reduce((a, b) => Math.max(a, b)),
  ];
  const [left, right] = span(finite.map(([x]) => x));
  const [low, high] = span(finite.map(([, y]) => y));
  const place = (value: number, from: number, to: number, cells: number): number =>
    to === from ? 0 : Math.round(((value - from) / (to - from)) * (cells - 1));
  const rows = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  for (const { mark, x, y } of series) {
    x.forEach((value, i) => {
      if (Number.isFinite(y[i]))
        rows[height - 1 - place(y[i], low, high, height)][place(value, left, right, width)] = mark;
    });
  }
  const labels = rows.map((_, row) => (row === 0 ? high : row === height - 1 ? low : undefined)?.toFixed(3) ?? '');
  const margin = Math.max(...labels.map((label) => label.length));
  return [
    ...rows.map((row, i) => `${labels[i].padStart(margin)} │${row.join('').trimEnd()}`),
    `${' '.repeat(margin)} └${'─'.repeat(width)}`,
    `${' '.repeat(margin)}  ${String(left).padEnd(width - String(right).length)}${right}`,
    series.map(({ name, mark }) => `${mark} ${name}`).join('   '),
  ].join('\n');
}
