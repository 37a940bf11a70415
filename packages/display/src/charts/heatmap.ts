import { describeValue } from '@tesserae/registry';
import { checkChoice, checkOptions, checkPositive, checkString, displayError } from '../errors/display-error';
import { drawChart } from './chart';
import type { Chart, VegaLite } from './chart';
import { titleSpecification } from './line-chart';

/** A table of numbers, row by row. */
export type NumberRows = readonly ArrayLike<number>[];

/** One panel of a heat map, such as a head of attention. */
export interface HeatmapPanel {
  /** The panel's title: `'head 3'`. */
  title?: string;
  /** Its rows; a value that is not finite is left blank. */
  values: NumberRows;
}

/** A heat map of one or more panels with the same rows and columns. */
export interface HeatmapOptions {
  /** The panels, or the rows of a single one. */
  values: NumberRows | readonly HeatmapPanel[];
  /** A label for each row, such as the token that attends. */
  rowLabels?: readonly string[];
  /** A label for each column, such as the token that is attended to. Default: the row labels, where they fit. */
  columnLabels?: readonly string[];
  /** What the rows are. */
  rowTitle?: string;
  /** What the columns are. */
  columnTitle?: string;
  /** What the colours measure. */
  valueTitle?: string;
  /** The map's title. */
  title?: string;
  /** A line under the title. */
  subtitle?: string;
  /** The value of the lightest and of the strongest colour. Default: 0 (or the least value, if negative) and the largest. */
  domain?: readonly [number, number];
  /** Leave blank what lies above the diagonal: in causal attention nothing can be there. Default `false`. */
  causal?: boolean;
  /** Colours from clear to blue (`'sequential'`, the default), or from red through white to blue around 0 (`'diverging'`). */
  colors?: 'sequential' | 'diverging';
  /** Panels beside each other. Default up to 4. */
  panelColumns?: number;
  /** Pixels of a cell. Default: what makes a panel about 300 wide, from 4 to 28. */
  cellSize?: number;
}

const OPTIONS = [
  ...['values', 'rowLabels', 'columnLabels', 'rowTitle', 'columnTitle', 'valueTitle', 'title', 'subtitle'],
  ...['domain', 'causal', 'colors', 'panelColumns', 'cellSize'],
];
/** More cells than this make a drawing that browsers struggle with. */
const MOST_CELLS = 40_000;

interface Panel {
  title: string;
  rows: NumberRows;
}

/**
 * Draws tables of numbers as colours: attention maps with a panel for each head, weights, confusion matrices.
 *
 * Labels show what cannot be seen: a space is written `␣`, a line end `⏎`, a tab `⇥`, nothing at all `∅`.
 *
 * @param options `values` (rows [T,S], or panels of rows) and optionally labels, titles, `domain`, `causal`, `colors`,
 *   `panelColumns`, `cellSize` (pixels)
 * @returns the chart, as SVG and as HTML
 * @throws E_CHART_DATA when rows differ in length or labels in number; E_CHART_SIZE for more than 40,000 cells;
 *   E_OPTION for an unknown option or one of the wrong kind; E_CHART_LIBRARY when vega is missing
 *
 * @example
 * ```ts
 * import { heatmap } from '@tesserae/display';
 *
 * const chart = await heatmap({
 *   title: 'Attention',
 *   rowLabels: ['The', ' fox', ' sat'],
 *   causal: true,
 *   values: [
 *     { title: 'head 1', values: [[1, 0, 0], [0.7, 0.3, 0], [0.2, 0.7, 0.1]] },
 *     { title: 'head 2', values: [[1, 0, 0], [0.1, 0.9, 0], [0.1, 0.1, 0.8]] },
 *   ],
 * });
 * console.log(chart.svg.includes('␣fox')); // → true
 * ```
 */
export async function heatmap(options: HeatmapOptions): Promise<Chart> {
  checkOptions('heatmap', options, OPTIONS);
  for (const name of ['rowTitle', 'columnTitle', 'valueTitle', 'title', 'subtitle'] as const)
    checkString('heatmap', name, options[name]);
  checkChoice('heatmap', 'colors', options.colors, ['sequential', 'diverging']);
  checkChoice('heatmap', 'causal', options.causal, [true, false]);
  checkPositive('heatmap', 'panelColumns', options.panelColumns);
  checkPositive('heatmap', 'cellSize', options.cellSize);
  const panels = readPanels(options.values);
  const height = panels[0].rows.length;
  const width = panels[0].rows[0].length;
  const rowLabels = readLabels('rowLabels', options.rowLabels, height);
  const columnLabels = readLabels(
    'columnLabels',
    options.columnLabels ?? (height === width ? options.rowLabels : undefined),
    width,
  );
  const values = cells(panels, options.causal === true);
  const domain = readDomain(options.domain, values, options.colors === 'diverging');
  const size = Math.floor(options.cellSize ?? Math.min(28, Math.max(4, 300 / Math.max(width, height))));

  const axis = (labels: readonly string[], title: string | undefined, more: VegaLite): VegaLite => ({
    type: 'ordinal',
    title: title ?? null,
    axis: {
      labels: options.rowLabels !== undefined || options.columnLabels !== undefined,
      // Labels may repeat, so cells are placed by number and the axis looks the label up.
      labelExpr: `${JSON.stringify(labels)}[datum.value]`,
      labelFontSize: Math.min(11, Math.max(6, size)),
      labelLimit: 110,
      labelOverlap: false,
      ticks: false,
      domain: false,
      labelPadding: 4,
      ...more,
    },
    scale: { paddingInner: size >= 10 ? 0.06 : 0, paddingOuter: 0 },
  });
  const indexes = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const unit: VegaLite = {
    width: width * size,
    height: height * size,
    mark: { type: 'rect' },
    encoding: {
      x: {
        field: 'column',
        sort: null,
        ...axis(columnLabels, options.columnTitle, { orient: 'bottom', labelAngle: -90 }),
      },
      y: { field: 'row', sort: null, ...axis(rowLabels, options.rowTitle, {}) },
      color: {
        field: 'value',
        type: 'quantitative',
        title: options.valueTitle ?? null,
        scale: { domain, range: COLORS[options.colors ?? 'sequential'], clamp: true, interpolate: 'rgb' },
        legend: {
          orient: 'right',
          gradientLength: Math.min(160, Math.max(60, height * size)),
          gradientThickness: 10,
          tickCount: 4,
        },
      },
    },
  };
  const scales = unit.encoding as Record<string, VegaLite>;
  (scales.x.scale as VegaLite).domain = indexes(width);
  (scales.y.scale as VegaLite).domain = indexes(height);
  const single = panels.length === 1 && panels[0].title === '';
  return drawChart(
    {
      ...titleSpecification(options.title, options.subtitle),
      data: { values },
      ...(single
        ? unit
        : {
            facet: {
              field: 'panel',
              type: 'nominal',
              sort: panels.map((panel) => panel.title),
              title: null,
              header: { labelPadding: 6 },
            },
            columns: options.panelColumns ?? bestColumns(panels.length, width * size),
            spacing: 16,
            spec: unit,
            resolve: { axis: { x: 'independent', y: 'independent' } },
          }),
    },
    `${options.title ?? 'Heat map'}: ${height} rows, ${width} columns${single ? '' : `, ${panels.length} panels`}`,
  );
}

const COLORS = {
  // From nearly clear to solid, so that little stays little on white and on black.
  sequential: ['rgba(120,140,160,0.12)', 'rgba(51,153,214,0.5)', 'rgba(0,119,187,1)'],
  diverging: ['#b2182b', '#ef8a62', '#f0f0f0', '#67a9cf', '#2166ac'],
};

function bestColumns(count: number, panelWidth: number): number {
  const fitting = Math.max(1, Math.min(4, Math.floor(900 / (panelWidth + 60))));
  const rows = Math.ceil(count / fitting);
  return Math.ceil(count / rows); // 6 panels in 4 columns become 3 and 3
}

function isRow(value: unknown): value is ArrayLike<number> {
  return (Array.isArray(value) || ArrayBuffer.isView(value)) && !(value instanceof DataView);
}

function readPanels(values: unknown): Panel[] {
  const bad = (what: string): never => {
    throw displayError(
      'E_CHART_DATA',
      `heatmap: ${what}`,
      'pass rows of equal length, or panels { title, values } of such rows',
    );
  };
  if (!Array.isArray(values) || values.length === 0) bad(`values is ${describeValue(values)}`);
  const list = values as unknown[];
  const panels: Panel[] = isRow(list[0])
    ? [{ title: '', rows: list as NumberRows }]
    : list.map((panel, i) => {
        const { title = `${i + 1}`, values: rows } = (panel ?? {}) as Partial<HeatmapPanel>;
        if (typeof title !== 'string' || !Array.isArray(rows)) bad(`panel ${i} has values ${describeValue(rows)}`);
        return { title, rows: rows as NumberRows };
      });
  const height = panels[0].rows.length;
  const width = isRow(panels[0].rows[0]) ? panels[0].rows[0].length : 0;
  if (height === 0 || width === 0) bad('there are no cells');
  for (const [i, { rows }] of panels.entries()) {
    if (rows.length !== height) bad(`panel ${i} has ${rows.length} rows, the first has ${height}`);
    for (const [j, row] of rows.entries())
      if (!isRow(row) || row.length !== width)
        bad(
          `row ${j} of panel ${i} has ${isRow(row) ? row.length : describeValue(row)} values, the first has ${width}`,
        );
  }
  if (new Set(panels.map((panel) => panel.title)).size < panels.length) bad('two panels have the same title');
  const total = panels.length * height * width;
  if (total > MOST_CELLS)
    throw displayError(
      'E_CHART_SIZE',
      `heatmap: ${panels.length} × ${height} × ${width} = ${total} cells, more than ${MOST_CELLS}`,
      'pass a slice of the rows and columns, or fewer panels',
    );
  return panels;
}

function cells(
  panels: readonly Panel[],
  causal: boolean,
): { panel: string; row: number; column: number; value: number }[] {
  const list: { panel: string; row: number; column: number; value: number }[] = [];
  for (const { title, rows } of panels)
    for (let row = 0; row < rows.length; row++)
      for (let column = 0; column < rows[row].length; column++) {
        const value = Number(rows[row][column]);
        // With a cache there are more columns than rows: the last row sees all of them.
        if (!Number.isFinite(value) || (causal && column - row > rows[row].length - rows.length)) continue;
        list.push({ panel: title, row, column, value });
      }
  if (list.length === 0)
    throw displayError('E_CHART_DATA', 'heatmap has no cell that can be drawn', 'pass at least one finite value');
  return list;
}

function readLabels(name: string, labels: unknown, count: number): string[] {
  if (labels === undefined) return Array.from({ length: count }, (_, i) => String(i));
  if (!Array.isArray(labels) || labels.length !== count || labels.some((label) => typeof label !== 'string'))
    throw displayError(
      'E_CHART_DATA',
      `${name} of heatmap is ${describeValue(labels)}, expected ${count} strings`,
      'pass a label for each',
    );
  return (labels as string[]).map(visibleLabel);
}

/** A label in which everything can be seen. */
function visibleLabel(label: string): string {
  if (label === '') return '∅';
  return label
    .replace(/ /g, '␣')
    .replace(/\r?\n|\r/g, '⏎')
    .replace(/\t/g, '⇥')
    .replace(/[\0-\x1f\x7f]|\p{Cs}/gu, '\ufffd');
}

function readDomain(domain: unknown, values: readonly { value: number }[], diverging: boolean): [number, number] {
  if (domain !== undefined) {
    const [low, high] = Array.isArray(domain) ? (domain as unknown[]) : [];
    if (typeof low !== 'number' || typeof high !== 'number' || !(low < high))
      throw displayError('E_OPTION', `domain of heatmap is ${describeValue(domain)}`, 'pass [least, largest]');
    return [low, high];
  }
  let low = 0;
  let high = -Infinity;
  for (const { value } of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!diverging) return [low, high > low ? high : low + 1];
  const most = Math.max(-low, high) || 1;
  return [-most, most];
}
