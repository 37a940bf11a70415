import { describe, expect, it } from 'vitest';
import { liveLineChart, sparkline, textLineChart } from '@tesserae/display';
import { expectError, fakeClock, fakeStream } from './support';

describe('a chart of characters', () => {
  it('puts the highest value into the first row and the lowest into the last', () => {
    const lines = textLineChart({
      series: [{ name: 'loss', y: [4, 2, 1] }],
      title: 'Loss',
      x: { title: 'step' },
      columns: 24,
      rows: 3,
    }).split('\n');
    expect(lines).toEqual([
      'Loss',
      '4 ┤⠉⠒⠢⠤⣀⡀',
      '  │     ⠈⠑⠒⠤⢄⣀',
      '1 ┤          ⠈⠉⠉⠑⠒⠒⠢⠤⠤⢄⣀',
      '  └─────────────────────',
      '   0       step        2',
      '   ━ loss 1',
    ]);
  });

  it('leaves gaps where values are missing, also below zero on a logarithmic axis', () => {
    const row = (y: number[], scale: 'linear' | 'log'): string =>
      textLineChart({ series: [{ name: 'a', y }], y: { scale }, columns: 23, rows: 2 });
    const gap = row([1, 1, NaN, 1, 2], 'linear').split('\n')[1];
    expect(gap).toMatch(/┤⣀+⡀ {8}⢀/);
    expect(row([1, -1, 10], 'log').split('\n')[0]).toMatch(/^10 ┤/);
  });

  it('gives lines colours when told to, and only then', () => {
    const series = [
      { name: 'one', y: [1, 2] },
      { name: 'two', y: [2, 1] },
    ];
    expect(textLineChart({ series })).not.toContain('\x1b');
    const colored = textLineChart({ series, colors: true });
    expect(colored).toContain('\x1b[34m━\x1b[39m one 2   \x1b[33m━\x1b[39m two 1');
  });

  it('keeps what names bring along out of the terminal', () => {
    const drawn = textLineChart({ series: [{ name: 'a\x1b[2Jb\n', y: [1] }], title: 'x\ny' });
    expect(drawn).not.toContain('\x1b');
    expect(drawn.split('\n')[0]).toBe('x y');
  });

  it('refuses what cannot be drawn', async () => {
    await expectError(() => textLineChart({ series: [] }), 'E_CHART_DATA', /at least one|series/);
    await expectError(() => textLineChart({ series: [{ name: 'a', y: [NaN] }] }), 'E_CHART_DATA', /no point/);
    await expectError(() => textLineChart({ serie: [] } as never), 'E_OPTION', /no option/);
    await expectError(() => textLineChart({ series: [{ name: 'a', y: [1] }], rows: 0 }), 'E_OPTION', /rows .* 0/);
  });
});

describe('a sparkline', () => {
  it('goes from the lowest to the highest, averaging neighbours', () => {
    expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8])).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([1, 1, 8, 8], 2)).toBe('▁█');
    expect(sparkline([3, NaN, 3])).toBe('▁ ▁');
    expect(sparkline([])).toBe('');
  });
  it('refuses what is no list', () => expectError(() => sparkline(5 as never), 'E_CHART_DATA', /5/));
});

describe('a live chart without a notebook', () => {
  it('is drawn in place in a terminal, above the line of the cursor', async () => {
    const stream = fakeStream({ isTTY: true, columns: 60 });
    const clock = fakeClock();
    const chart = liveLineChart({
      title: 'Loss',
      text: true,
      output: { environment: 'terminal', stream, now: clock.now },
    });
    for (let step = 1; step <= 3; step++) {
      clock.advance(1000);
      chart.add('train', step, 1 / step);
      await chart.settled();
    }
    await chart.end();
    expect(stream.written).toHaveLength(3);
    const height = stream.written[0].split('\n').length - 1;
    expect(stream.written[0].startsWith('\rLoss')).toBe(true);
    for (const again of stream.written.slice(1)) {
      expect(again.startsWith(`\r\x1b[${height}ALoss`)).toBe(true);
      expect(again.split('\n').length - 1).toBe(height);
    }
    expect(stream.written[2]).toContain('train 0.333');
  });

  it('is a line from time to time elsewhere', async () => {
    const stream = fakeStream();
    const clock = fakeClock();
    const chart = liveLineChart({
      title: 'Loss',
      text: true,
      output: { environment: 'plain', stream, now: clock.now },
    });
    for (let step = 1; step <= 25; step++) {
      clock.advance(1000);
      chart.add('train', step, 25 / step);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await chart.end();
    expect(stream.written).toHaveLength(4); // at the start, after ten and twenty seconds, at the end
    expect(stream.written[0]).toBe('Loss  train ▁ 25\n');
    expect(stream.written[3]).toMatch(/^Loss {2}train █[▁▂▃▄▅▆▇█]{24} 1\n$/);
  });

  it('forgets what was taken back', async () => {
    const chart = liveLineChart({ output: { environment: 'plain', stream: fakeStream() } });
    for (let step = 1; step <= 5; step++) chart.add('train', step, step);
    chart.removeAfter(3);
    chart.add('train', 4, 9);
    const { values } = (await chart.end())!.specification.data as { values: { x: number; y: number }[] };
    expect(values.map(({ x, y }) => [x, y])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 9],
    ]);
  });
});
