import { checkChoice, checkOptions, checkPositive, checkString } from '../errors/display-error';
import { drawChart } from './chart';
import type { Chart, VegaLite } from './chart';
import { seriesPoints } from './series';
import type { Series } from './series';

/** How numbers are spread over an axis. */
export type ScaleKind = 'linear' | 'log';

/** A chart of one or more lines. */
export interface LineChartOptions {
  /** The lines. */
  series: readonly Series[];
  /** The chart's title. */
  title?: string;
  /** A line under the title. */
  subtitle?: string;
  /** The x axis: its title and scale. */
  x?: AxisOptions;
  /** The y axis: its title and scale. */
  y?: AxisOptions;
  /** Pixels of the drawing area. Default 620. */
  width?: number;
  /** Pixels of the drawing area. Default 300. */
  height?: number;
}

/** An axis. */
export interface AxisOptions {
  /** What it measures, with its unit. */
  title?: string;
  /** Default `'linear'`. */
  scale?: ScaleKind;
  /** Begin a linear axis at zero. Default `false`. */
  zero?: boolean;
}

const OPTIONS = ['series', 'title', 'subtitle', 'x', 'y', 'width', 'height'];

/**
 * Draws lines, such as training and validation loss over steps, on linear or logarithmic axes.
 *
 * Long series are thinned to what can be seen; spikes stay.
 *
 * @param options `series` and optionally `title`, `subtitle`, `x`, `y`, `width`, `height` (pixels)
 * @returns the chart, as SVG and as HTML
 * @throws E_CHART_DATA when a series is malformed or nothing can be drawn; E_OPTION for an unknown option or one of the
 *   wrong kind; E_CHART_LIBRARY when vega is missing
 *
 * @example
 * ```ts
 * import { lineChart } from '@tesserae/display';
 *
 * const chart = await lineChart({
 *   title: 'Loss',
 *   series: [{ name: 'train', x: [0, 100, 200], y: [5.5, 3.1, 2.4] }, { name: 'validation', x: [0, 200], y: [5.5, 2.6] }],
 *   x: { title: 'step' },
 *   y: { title: 'nats per token', scale: 'log' },
 * });
 * console.log(chart.svg.startsWith('<svg')); // → true
 * ```
 */
export async function lineChart(options: LineChartOptions): Promise<Chart> {
  checkOptions('lineChart', options, OPTIONS);
  const { series, title, subtitle, width = 620, height = 300 } = options;
  const axes = { x: options.x ?? {}, y: options.y ?? {} };
  checkFrame('lineChart', options);
  for (const [name, axis] of Object.entries(axes)) {
    checkOptions(`lineChart's ${name}`, axis, ['title', 'scale', 'zero']);
    checkString('lineChart', `${name}.title`, axis.title);
    checkChoice('lineChart', `${name}.scale`, axis.scale, ['linear', 'log']);
    checkChoice('lineChart', `${name}.zero`, axis.zero, [true, false]);
  }
  const values = seriesPoints('lineChart', series, axes.x.scale === 'log', axes.y.scale === 'log');
  const names = series.map((one) => one.name);
  const lonely = series.filter((one) => values.filter((row) => row.series === one.name && row.y !== null).length === 1);
  const line: VegaLite = { type: 'line', strokeWidth: 2, interpolate: 'linear', strokeJoin: 'round', clip: false };
  const encoding: VegaLite = {
    x: { field: 'x', type: 'quantitative', ...axisSpecification(axes.x, false) },
    y: { field: 'y', type: 'quantitative', ...axisSpecification(axes.y, true) },
    color: {
      field: 'series',
      type: 'nominal',
      scale: { domain: names },
      legend:
        names.length > 1
          ? { title: null, orient: 'top', symbolType: 'stroke', symbolOpacity: 1, columns: 4, offset: 6 }
          : null,
    },
    strokeDash: {
      condition: {
        test: { field: 'series', oneOf: series.filter((one) => one.dashed).map((one) => one.name) },
        value: [5, 4],
      },
      value: [1, 0],
    },
  };
  const dots = { color: encoding.color, x: encoding.x, y: encoding.y };
  return drawChart(
    {
      ...titleSpecification(title, subtitle),
      width,
      height,
      data: { values },
      layer: [
        ...(series.some((one) => one.smooth)
          ? [
              {
                transform: [{ filter: 'isValid(datum.raw)' }],
                mark: { ...line, strokeWidth: 1, opacity: 0.3 },
                encoding: { ...encoding, y: { ...(encoding.y as VegaLite), field: 'raw' } },
              },
            ]
          : []),
        { mark: line, encoding },
        ...(lonely.length === 0
          ? []
          : [
              {
                transform: [{ filter: { field: 'series', oneOf: lonely.map((one) => one.name) } }],
                mark: { type: 'point', filled: true, size: 60 },
                encoding: dots,
              },
            ]),
      ],
    },
    `${title ?? 'Line chart'}: ${names.join(', ')}${axes.x.title ? ` by ${axes.x.title}` : ''}`,
  );
}

/** Checks what all charts have. */
export function checkFrame(
  caller: string,
  options: { title?: unknown; subtitle?: unknown; width?: unknown; height?: unknown },
): void {
  checkString(caller, 'title', options.title);
  checkString(caller, 'subtitle', options.subtitle);
  checkPositive(caller, 'width', options.width);
  checkPositive(caller, 'height', options.height);
}

/** The title, if there is one. */
export function titleSpecification(title: string | undefined, subtitle: string | undefined): VegaLite {
  if (title === undefined && subtitle === undefined) return {};
  return { title: { text: title ?? '', ...(subtitle === undefined ? {} : { subtitle, subtitlePadding: 6 }) } };
}

function axisSpecification({ title, scale = 'linear', zero = false }: AxisOptions, grid: boolean): VegaLite {
  return {
    title: title ?? null,
    scale: scale === 'log' ? { type: 'log', nice: false } : { zero, nice: true },
    axis: { grid, tickCount: scale === 'log' ? 6 : grid ? 6 : 8, ...(scale === 'log' ? { format: '~g' } : {}) },
  };
}
