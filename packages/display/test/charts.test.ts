import { describe, expect, it } from 'vitest';
import { barChart, heatmap, lineChart } from '@tesserae/display';
import type { Chart, HeatmapOptions, LineChartOptions } from '@tesserae/display';
import { expectError, wellFormedTexts } from './support';

const NASTY = `<script>alert("x")</script> & 'quotes' \u0007`;

/** The points of every drawn line, in the order of the lines. */
function linePaths(chart: Chart): string[] {
  return [...chart.svg.matchAll(/<path[^>]* d="(M[^"]*)"[^>]*stroke-width="(?:1|2)"[^>]*>/g)].map((match) => match[1]);
}

/** How many points a path has. */
const pointCount = (path: string): number => path.split(/[ML]/).length - 1;

describe('line charts', () => {
  it('draw each series, with axis titles and a legend', async () => {
    const chart = await lineChart({
      title: 'Loss',
      subtitle: 'of a small model',
      series: [
        { name: 'train', y: [4, 3, 2, 1.5] },
        { name: 'validation', x: [0, 3], y: [4.2, 1.9] },
        { name: 'target', x: [0, 3], y: [1.7, 1.7], dashed: true },
      ],
      x: { title: 'step' },
      y: { title: 'nats' },
    });
    const texts = wellFormedTexts(chart.svg);
    for (const text of ['Loss', 'of a small model', 'step', 'nats', 'train', 'validation', 'target'])
      expect(texts).toContain(text);
    expect(linePaths(chart).map(pointCount)).toEqual([4, 2, 2]);
    expect(chart.svg.match(/stroke-dasharray="5,4"/g)?.length).toBe(1);
    expect(chart.description).toBe('Loss: train, validation, target by step');
    expect(chart.svg).toContain(`aria-label="${chart.description}"`);
    expect(chart.html).toContain('max-width:100%');
    wellFormedTexts(chart.html);
  });

  it('take their ink from the page, so that they can be read on dark ones', async () => {
    const { svg } = await lineChart({ title: 'a', series: [{ name: 'a', y: [1, 2] }], x: { title: 'x' } });
    expect(svg).toMatch(/<text[^>]*fill="currentColor"/);
    expect(svg).not.toMatch(/fill="(?:#000|black|white|#fff)"/);
  });

  it('spread logarithmic axes by factors', async () => {
    const y = [1000, 100, 10, 1];
    const vertical = (chart: Chart): number[] =>
      linePaths(chart)[0].split(/[ML]/).slice(1).map((point) => Number(point.split(',')[1])); // prettier-ignore
    const linear = vertical(await lineChart({ series: [{ name: 'a', y }] }));
    const log = vertical(await lineChart({ series: [{ name: 'a', y }], y: { scale: 'log' } }));
    const steps = (heights: number[]): number[] => heights.slice(1).map((height, i) => height - heights[i]);
    expect(Math.max(...steps(log)) - Math.min(...steps(log))).toBeLessThan(0.05);
    expect(Math.max(...steps(linear)) / Math.min(...steps(linear))).toBeGreaterThan(50);
    const both = await lineChart({
      series: [{ name: 'a', x: [1, 10, 100], y: [1, 10, 100] }],
      x: { scale: 'log' },
      y: { scale: 'log' },
    });
    const texts = wellFormedTexts(both.svg);
    for (const tick of ['1', '10', '100']) expect(texts.filter((text) => text === tick).length).toBe(2);
  });

  it('leave a gap where there is no number, and where a logarithm has none', async () => {
    const gap = await lineChart({ series: [{ name: 'a', y: [1, 2, NaN, 3, 4, Infinity, 5, 6] }] });
    expect(linePaths(gap)[0].match(/M/g)?.length).toBe(3);
    const log = await lineChart({ series: [{ name: 'a', y: [1, 2, 0, 3, -1, 4, 5] }], y: { scale: 'log' } });
    expect(linePaths(log)[0].match(/M/g)?.length).toBe(3);
    wellFormedTexts(gap.svg);
  });

  it('show a single point as a dot', async () => {
    const chart = await lineChart({ series: [{ name: 'a', y: [1] }] });
    expect(chart.svg).toContain('mark-symbol');
    expect((await lineChart({ series: [{ name: 'a', y: [1, 2] }] })).svg).not.toContain('mark-symbol');
  });

  it('thin long series, and keep their spikes', async () => {
    const y = Float32Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 5000));
    y[43_210] = 40;
    const chart = await lineChart({ series: [{ name: 'a', y }] });
    const [path] = linePaths(chart);
    expect(pointCount(path)).toBeLessThanOrEqual(1501);
    const heights = path.split(/[ML]/).slice(1).map((point) => Number(point.split(',')[1])); // prettier-ignore
    const sorted = [...heights].sort((a, b) => a - b);
    expect(sorted[1] - sorted[0]).toBeGreaterThan(100); // one point far above the rest
  });

  it('draw a running average over the faint values when asked', async () => {
    const y = Array.from({ length: 200 }, (_, i) => 5 - i / 50 + (i % 2 === 0 ? 0.5 : -0.5));
    const { specification } = await lineChart({ series: [{ name: 'a', y, smooth: true }] });
    const { values } = specification.data as { values: { x: number; y: number; raw: number }[] };
    expect(values.map((row) => row.raw)).toEqual(y);
    for (const row of values.slice(20, -20)) expect(Math.abs(row.y - (5 - row.x / 50))).toBeLessThan(0.25); // neither noisy nor late
  });

  it('escape names and titles', async () => {
    const chart = await lineChart({
      title: NASTY,
      series: [
        { name: NASTY, y: [1, 2] },
        { name: 'b', y: [1] },
      ],
      x: { title: NASTY },
    });
    expect(chart.svg).not.toContain('<script');
    expect(wellFormedTexts(chart.svg).some((text) => text.includes('<script>alert("x")</script> & '))).toBe(true);
    wellFormedTexts(chart.html);
  });

  it('keep apart on one page: no two charts share an id', async () => {
    const ids = (chart: Chart): string[] => [...chart.svg.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
    const map = (values: number[][]): Promise<Chart> => heatmap({ values });
    const charts = [await map([[1, 2]]), await map([[1, 3]])];
    const all = charts.flatMap(ids);
    expect(all.length).toBeGreaterThan(0); // the legends' gradients
    expect(new Set(all).size).toBe(all.length);
    for (const chart of charts)
      for (const [, id] of chart.svg.matchAll(/url\(#([^)]+)\)/g)) expect(ids(chart)).toContain(id);
  });

  it('draw the same twice', async () => {
    const lines: LineChartOptions = { series: [{ name: 'a', y: [3, 1, 2] }] };
    expect((await lineChart(lines)).svg).toBe((await lineChart(lines)).svg);
    const cells: HeatmapOptions = { values: [[1, 2]] }; // with a gradient, which has an id
    expect((await heatmap(cells)).svg).toBe((await heatmap(cells)).svg);
  });

  it('refuse bad input', async () => {
    const draw = (options: unknown) => () => lineChart(options as LineChartOptions);
    await expectError(draw(undefined), 'E_OPTION', /takes an object of options, found undefined/);
    await expectError(draw({ serie: [] }), 'E_OPTION', /no option "serie"; did you mean 'series'\?/);
    await expectError(draw({ series: [] }), 'E_CHART_DATA', /\[\]/);
    await expectError(draw({ series: [{ y: [1] }] }), 'E_CHART_DATA', /series\[0\] .* name undefined/);
    await expectError(draw({ series: [{ name: 'a', y: ['1'] }] }), 'E_CHART_DATA', /series\[0\]/);
    await expectError(draw({ series: [{ name: 'a', x: [1], y: [1, 2] }] }), 'E_CHART_DATA', /1 x for 2 y/);
    await expectError(
      draw({
        series: [
          { name: 'a', y: [1] },
          { name: 'a', y: [1] },
        ],
      }),
      'E_CHART_DATA',
      /two series .* "a"/,
    );
    await expectError(draw({ series: [{ name: 'a', y: [NaN] }] }), 'E_CHART_DATA', /no point/);
    await expectError(draw({ series: [{ name: 'a', y: [1] }], width: -5 }), 'E_OPTION', /width .* -5/);
    await expectError(
      draw({ series: [{ name: 'a', y: [1] }], x: { scale: 'sqrt' } }),
      'E_OPTION',
      /x\.scale .* "sqrt"/,
    );
    await expectError(draw({ series: [{ name: 'a', y: [1] }], title: 5 }), 'E_OPTION', /title .* 5/);
  });
});

describe('bar charts', () => {
  /** The lengths of the lying bars, in pixels. */
  const lengths = (chart: Chart): number[] =>
    [...chart.svg.matchAll(/<path d="M0,[-\d.]+h([\d.]+)v[^"]*" fill="#0077bb"/g)].map((match) => Number(match[1]));

  it('draw a bar for each value, with its label', async () => {
    const chart = await barChart({
      title: 'Speed',
      valueTitle: 'tokens/s',
      bars: [
        { label: 'onnx & co', value: 4 },
        { label: 'wasm', value: 1 },
        { label: 'none', value: NaN },
      ],
    });
    const texts = wellFormedTexts(chart.svg);
    for (const text of ['Speed', 'tokens/s', 'onnx & co', 'wasm']) expect(texts).toContain(text);
    expect(texts).not.toContain('none');
    const [long, short, ...more] = lengths(chart);
    expect(long / short).toBeCloseTo(4, 1);
    expect(more).toEqual([]);
  });

  it('stand side by side by series', async () => {
    const bars = ['a', 'b'].flatMap((label) => ['x', 'y'].map((series, i) => ({ label, series, value: i + 1 })));
    const chart = await barChart({ bars, horizontal: false });
    const texts = wellFormedTexts(chart.svg);
    for (const text of ['a', 'b', 'x', 'y']) expect(texts).toContain(text);
    expect(chart.svg).toMatch(/fill="#0077bb"/);
    expect(chart.svg).toMatch(/fill="#ee7733"/);
  });

  it('refuse bad input', async () => {
    const draw = (options: unknown) => () => barChart(options as never);
    await expectError(draw({}), 'E_CHART_DATA', /bars of barChart is undefined/);
    await expectError(draw({ bars: [{ label: 'a' }] }), 'E_CHART_DATA', /bars\[0\] .* value undefined/);
    await expectError(draw({ bars: [{ label: 'a', value: NaN }] }), 'E_CHART_DATA', /no bar/);
    await expectError(draw({ bars: [{ label: 'a', value: 1 }], horizontal: 'no' }), 'E_OPTION', /horizontal/);
  });
});

describe('heat maps', () => {
  const tokens = ['The', ' fox', '\n', '', '\t<b>', 'The'];
  const rows = tokens.map((_, i) => tokens.map((__, j) => (j <= i ? 1 / (i + 1) : 0)));
  const cellCount = (chart: Chart): number =>
    [...chart.svg.matchAll(/mark-rect role-mark[^>]*>(.*?)<\/g>/g)].reduce(
      (sum, [, marks]) => sum + marks.split('<path').length - 1,
      0,
    );

  it('label rows and columns with tokens, invisible ones made visible, repeated ones kept', async () => {
    const chart = await heatmap({
      values: rows,
      rowLabels: tokens,
      title: 'Attention',
      rowTitle: 'query',
      columnTitle: 'key',
    });
    const texts = wellFormedTexts(chart.svg);
    for (const label of ['␣fox', '⏎', '∅', '⇥<b>'])
      expect(texts.filter((text) => text === label).length, label).toBe(2);
    expect(texts.filter((text) => text === 'The').length).toBe(4);
    for (const title of ['Attention', 'query', 'key']) expect(texts).toContain(title);
    expect(cellCount(chart)).toBe(36);
  });

  it('leave out what causal attention cannot see', async () => {
    expect(cellCount(await heatmap({ values: rows, causal: true }))).toBe(21);
    const cached = [new Float32Array([0.2, 0.3, 0.5, 0]), new Float32Array([0.1, 0.2, 0.3, 0.4])]; // 2 queries, 4 keys
    expect(cellCount(await heatmap({ values: cached, causal: true }))).toBe(7);
  });

  it('give each head a panel', async () => {
    const chart = await heatmap({
      values: [1, 2, 3].map((head) => ({ title: `head ${head}`, values: rows })),
      rowLabels: tokens,
      causal: true,
    });
    const texts = wellFormedTexts(chart.svg);
    for (const title of ['head 1', 'head 2', 'head 3']) expect(texts).toContain(title);
    expect(texts.filter((text) => text === '␣fox').length).toBe(6);
    expect(cellCount(chart)).toBe(63);
  });

  it('colour by value, over the domain', async () => {
    const fills = async (options: HeatmapOptions): Promise<string[]> => {
      const { svg } = await heatmap(options);
      return [...svg.matchAll(/mark-rect role-mark[^>]*>(.*?)<\/g>/g)].flatMap(([, marks]) =>
        [...marks.matchAll(/fill="([^"]+)"/g)].map((match) => match[1]),
      );
    };
    expect(await fills({ values: [[0, 1]] })).toEqual(['rgba(120, 140, 160, 0.12)', 'rgb(0, 119, 187)']);
    expect(await fills({ values: [[0, 5]], domain: [0, 1] })).toEqual([
      'rgba(120, 140, 160, 0.12)',
      'rgb(0, 119, 187)',
    ]);
    const [low, zero, high] = await fills({ values: [[-2, 0, 1]], colors: 'diverging' });
    expect([low, zero]).toEqual(['rgb(178, 24, 43)', 'rgb(240, 240, 240)']);
    expect(high).not.toBe('rgb(33, 102, 172)'); // half way: the domain is −2…2
    expect((await fills({ values: [[1, NaN, 2]] })).length).toBe(2);
  });

  it('refuse bad input', async () => {
    const draw = (options: unknown) => () => heatmap(options as HeatmapOptions);
    await expectError(draw({ values: [] }), 'E_CHART_DATA', /values is \[\]/);
    await expectError(draw({ values: [[]] }), 'E_CHART_DATA', /no cells/);
    await expectError(
      draw({ values: [[1, 2], [1]] }),
      'E_CHART_DATA',
      /row 1 of panel 0 has 1 values, the first has 2/,
    );
    await expectError(
      draw({ values: [{ values: [[1]] }, { values: [[1], [2]] }] }),
      'E_CHART_DATA',
      /panel 1 has 2 rows/,
    );
    await expectError(draw({ values: [{ title: 'a' }] }), 'E_CHART_DATA', /panel 0 has values undefined/);
    await expectError(
      draw({
        values: [
          { title: 'a', values: [[1]] },
          { title: 'a', values: [[1]] },
        ],
      }),
      'E_CHART_DATA',
      /same title/,
    );
    await expectError(
      draw({ values: [[1, 2]], columnLabels: ['a'] }),
      'E_CHART_DATA',
      /columnLabels .* expected 2 strings/,
    );
    await expectError(draw({ values: [[NaN]] }), 'E_CHART_DATA', /no cell/);
    await expectError(draw({ values: [[1]], domain: [1, 1] }), 'E_OPTION', /domain/);
    await expectError(draw({ values: [[1]], colors: 'pink' }), 'E_OPTION', /colors .* "pink"/);
    const large = Array.from({ length: 201 }, () => new Float32Array(200));
    await expectError(draw({ values: large }), 'E_CHART_SIZE', /201 × 200 = 40200 cells/);
  });
});
