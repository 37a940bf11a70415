import { describe, expect, it } from 'vitest';
import { liveLineChart } from '@tesserae/display';
import { expectError, fakeClock, fakeNotebook, fakeStream, wellFormedTexts } from './support';

describe('a live line chart', () => {
  it('is drawn anew in one place, never more often than asked', async () => {
    const notebook = fakeNotebook();
    const clock = fakeClock();
    const chart = liveLineChart({ title: 'Loss', updatesPerSecond: 2, output: { notebook, now: clock.now } });
    for (let step = 1; step <= 40; step++) {
      clock.advance(100); // 4 s in all
      chart.add('train', step, 1 / step);
      if (step % 10 === 0) chart.add('validation', step, 1.2 / step);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await chart.settled();
    expect(notebook.places[0].length).toBeLessThanOrEqual(9);
    const last = await chart.end();
    expect(notebook.places.length).toBe(1);
    for (const html of notebook.places[0]) wellFormedTexts(html);
    const texts = wellFormedTexts(last!.svg);
    for (const text of ['Loss', 'train', 'validation']) expect(texts).toContain(text);
    const { values } = last!.specification.data as { values: unknown[] };
    expect(values.length).toBe(44);
  });

  it('draws at most twice a second when nobody waits for it', async () => {
    const notebook = fakeNotebook();
    const chart = liveLineChart({ updatesPerSecond: 2, output: { notebook } });
    const begin = performance.now();
    let step = 0;
    while (performance.now() - begin < 1400) {
      chart.add('train', step++, Math.random());
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const { length } = notebook.places[0] ?? [];
    expect(length).toBeGreaterThanOrEqual(1);
    expect(length).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - begin) / 500));
    const before = notebook.places[0].length;
    expect(await chart.end()).toBeDefined();
    expect(notebook.places[0].length - before).toBeLessThanOrEqual(1);
    chart.add('train', step, 1); // after the end: nothing
    await chart.settled();
    expect(notebook.places.length).toBe(1);
  });

  it('shows the last value at its end', async () => {
    const notebook = fakeNotebook();
    const chart = liveLineChart({ output: { notebook }, updatesPerSecond: 0.001 });
    chart.add('train', 1, 1);
    await chart.settled();
    chart.add('train', 2, 0.5);
    chart.add('late', 3, 0.5);
    const last = await chart.end();
    expect(notebook.places[0].at(-1)).toBe(last!.html);
    expect(wellFormedTexts(last!.svg)).toContain('late');
  });

  it('only collects outside a notebook', async () => {
    const stream = fakeStream();
    const chart = liveLineChart({ output: { stream } });
    chart.add('train', 1, NaN);
    expect(await chart.end()).toBeUndefined();
    const other = liveLineChart({ output: { stream }, y: { scale: 'log' } });
    other.add('train', 1, 2);
    other.add('train', 2, 1);
    expect((await other.end())!.svg).toContain('<svg');
    expect(stream.written).toEqual([]);
  });

  it('refuses bad options', async () => {
    await expectError(() => liveLineChart({ series: [] } as never), 'E_OPTION', /no option "series"/);
    await expectError(() => liveLineChart({ updatesPerSecond: 0 }), 'E_OPTION', /updatesPerSecond .* 0/);
    await expectError(() => liveLineChart({ x: 5 } as never), 'E_OPTION', /axis .* 5/);
  });
});
