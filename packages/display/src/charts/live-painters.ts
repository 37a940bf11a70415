import { notebookOf, standardStream, writeSafely } from '../environment/output';
import type { Environment, NotebookDisplay, Output, OutputStream } from '../environment/output';
import { formatNumber } from '../format/numbers';
import type { Series } from './series';
import { lineChart } from './line-chart';
import type { LineChartOptions } from './line-chart';
import { sparkline } from './sparkline';
import { textLineChart } from './text-line-chart';

/** Shows a chart that grows, each time in the same place where there is one. */
export interface LivePainter {
  /** Milliseconds between drawings. */
  readonly milliseconds: number;
  paint(series: readonly Series[]): Promise<void> | void;
}

/** The painter for where output goes; nothing where only notebooks are wanted and there is none. */
export function createLivePainter(
  where: Environment,
  chart: Omit<LineChartOptions, 'series'>,
  { output, text, milliseconds }: { output: Output; text: boolean; milliseconds: number },
): LivePainter | undefined {
  if (where === 'notebook') return notebookPainter(chart, output, milliseconds);
  const stream = output.stream ?? standardStream('stderr');
  if (!text || stream === undefined) return undefined;
  return where === 'terminal' ? terminalPainter(chart, stream, milliseconds) : plainPainter(chart, stream);
}

function notebookPainter(chart: Omit<LineChartOptions, 'series'>, output: Output, milliseconds: number): LivePainter {
  let view: NotebookDisplay | undefined;
  return {
    milliseconds,
    async paint(series) {
      const { html } = await lineChart({ ...chart, series });
      try {
        view ??= notebookOf(output)?.newDisplay();
        view?.html(html);
      } catch {
        // the notebook is closing
      }
    },
  };
}

/**
 * Draws above the line on which the cursor stands, and leaves the cursor at the start of that line: a progress bar there
 * draws itself anew.
 */
function terminalPainter(
  chart: Omit<LineChartOptions, 'series'>,
  stream: OutputStream,
  milliseconds: number,
): LivePainter {
  let lines = 0;
  const colors = typeof process === 'undefined' || !process.env?.NO_COLOR;
  return {
    milliseconds,
    paint(series) {
      const columns = Math.min(100, (stream.columns || 80) - 1);
      const { title, x, y } = chart;
      const frame = { ...(title !== undefined && { title }), ...(x && { x }), ...(y && { y }) };
      const drawn = textLineChart({ ...frame, series, columns, rows: 8, colors }).split('\n');
      const up = lines > 0 ? `\x1b[${lines}A` : '';
      writeSafely(stream, `\r${up}${drawn.map((line) => `${line}\x1b[K\n`).join('')}\x1b[K`);
      lines = drawn.length;
    },
  };
}

const PLAIN_MILLISECONDS = 10_000;

/** A line from time to time: `loss  train █▆▅▃▂▁ 2.31 · validation █▃▁ 2.45`. */
function plainPainter({ title = 'chart' }: Omit<LineChartOptions, 'series'>, stream: OutputStream): LivePainter {
  let last = '';
  return {
    milliseconds: PLAIN_MILLISECONDS,
    paint(series) {
      const parts = series.map(({ name, y }) => {
        const end = Number(y[y.length - 1]);
        return `${name} ${sparkline(y, 30)} ${formatNumber(Number(end.toPrecision(4)))}`;
      });
      const line = `${title}  ${parts.join(' · ')}`.replace(/[\r\n]+/g, ' ');
      if (line !== last) writeSafely(stream, `${line}\n`);
      last = line;
    },
  };
}
