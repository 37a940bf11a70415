import { describeValue } from '@tesserae/registry';
import { checkChoice, checkOptions, checkString, displayError } from '../errors/display-error';
import { drawChart, SERIES_COLORS } from './chart';
import type { Chart, VegaLite } from './chart';
import { checkFrame, titleSpecification } from './line-chart';

/** One bar. */
export interface Bar {
  /** What it stands for. */
  label: string;
  /** Its length. A value that is not finite is left out. */
  value: number;
  /** With several series, bars of one label stand side by side, a colour for each series. */
  series?: string;
}

/** A chart of bars. */
export interface BarChartOptions {
  /** The bars, in the order in which they are drawn. */
  bars: readonly Bar[];
  /** The chart's title. */
  title?: string;
  /** A line under the title. */
  subtitle?: string;
  /** What the values measure, with its unit. */
  valueTitle?: string;
  /** What the labels are. */
  labelTitle?: string;
  /** Lying bars, for long labels. Default `true`. */
  horizontal?: boolean;
  /** Pixels of the drawing area. Default 560 for lying bars, 48 a bar for standing ones. */
  width?: number;
  /** Pixels of the drawing area. Default 26 a bar for lying bars, 260 for standing ones. */
  height?: number;
}

const OPTIONS = ['bars', 'title', 'subtitle', 'valueTitle', 'labelTitle', 'horizontal', 'width', 'height'];

/**
 * Draws bars, such as tokens a second by backend or parameters by layer.
 *
 * @param options `bars` and optionally `title`, `subtitle`, `valueTitle`, `labelTitle`, `horizontal`, `width`,
 *   `height` (pixels)
 * @returns the chart, as SVG and as HTML
 * @throws E_CHART_DATA when a bar is malformed or nothing can be drawn; E_OPTION for an unknown option or one of the
 *   wrong kind; E_CHART_LIBRARY when vega is missing
 *
 * @example
 * ```ts
 * import { barChart } from '@tesserae/display';
 *
 * const chart = await barChart({
 *   title: 'Training speed',
 *   valueTitle: 'tokens per second',
 *   bars: [{ label: 'onnx', value: 1900 }, { label: 'wasm', value: 320 }],
 * });
 * console.log(chart.svg.includes('wasm')); // → true
 * ```
 */
export async function barChart(options: BarChartOptions): Promise<Chart> {
  checkOptions('barChart', options, OPTIONS);
  checkFrame('barChart', options);
  checkString('barChart', 'valueTitle', options.valueTitle);
  checkString('barChart', 'labelTitle', options.labelTitle);
  checkChoice('barChart', 'horizontal', options.horizontal, [true, false]);
  const values = checkBars(options.bars);
  const { title, subtitle, horizontal = true } = options;
  const labels = [...new Set(values.map((bar) => bar.label))];
  const series = [...new Set(values.map((bar) => bar.series).filter((name) => name !== undefined))];
  const slots = labels.length * Math.max(1, series.length);
  const value: VegaLite = {
    field: 'value',
    type: 'quantitative',
    title: options.valueTitle ?? null,
    axis: { grid: true, tickCount: 6, domain: false, ticks: false },
  };
  const label: VegaLite = {
    field: 'label',
    type: 'nominal',
    sort: labels,
    title: options.labelTitle ?? null,
    scale: { paddingInner: 0.25, paddingOuter: 0.1 },
    axis: {
      ticks: false,
      labelLimit: 240,
      labelPadding: 6,
      ...(horizontal ? {} : { labelAngle: labels.length > 6 ? -35 : 0 }),
    },
  };
  const offset: VegaLite =
    series.length > 0
      ? { [horizontal ? 'yOffset' : 'xOffset']: { field: 'series', type: 'nominal', sort: series } }
      : {};
  return drawChart(
    {
      ...titleSpecification(title, subtitle),
      width: options.width ?? (horizontal ? 560 : Math.max(160, slots * 48)),
      height: options.height ?? (horizontal ? Math.max(40, slots * 26) : 260),
      data: { values },
      mark: { type: 'bar', color: SERIES_COLORS[0] },
      encoding: {
        [horizontal ? 'x' : 'y']: value,
        [horizontal ? 'y' : 'x']: label,
        ...offset,
        ...(series.length > 0
          ? {
              color: {
                field: 'series',
                type: 'nominal',
                scale: { domain: series },
                legend: { title: null, orient: 'top', symbolType: 'square' },
              },
            }
          : {}),
      },
    },
    `${title ?? 'Bar chart'}: ${labels.join(', ')}`,
  );
}

function checkBars(bars: unknown): Bar[] {
  if (!Array.isArray(bars))
    throw displayError('E_CHART_DATA', `bars of barChart is ${describeValue(bars)}`, 'pass a list of { label, value }');
  for (const [i, bar] of (bars as Partial<Bar>[]).entries())
    if (
      typeof bar?.label !== 'string' ||
      typeof bar.value !== 'number' ||
      !['string', 'undefined'].includes(typeof bar.series)
    )
      throw displayError(
        'E_CHART_DATA',
        `bars[${i}] of barChart has label ${describeValue(bar?.label)} and value ${describeValue(bar?.value)}`,
        'pass { label: string, value: number, series?: string }',
      );
  const drawable = (bars as Bar[]).filter((bar) => Number.isFinite(bar.value));
  if (drawable.length === 0)
    throw displayError('E_CHART_DATA', 'barChart has no bar that can be drawn', 'pass at least one finite value');
  return drawable;
}
