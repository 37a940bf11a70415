import { describeValue } from '@tesserae/registry';
import { environment, notebookOf } from '../environment/output';
import type { NotebookDisplay, Output } from '../environment/output';
import { checkOptions, checkPositive, displayError } from '../errors/display-error';
import type { Chart } from './chart';
import { lineChart } from './line-chart';
import type { LineChartOptions } from './line-chart';

/** A chart that is drawn while its values come in. */
export interface LiveLineChartOptions extends Omit<LineChartOptions, 'series'> {
  /** Drawings a second at most. Default 2. */
  updatesPerSecond?: number;
  /** Where to draw. */
  output?: Output;
}

/** A line chart that grows. */
export interface LiveLineChart {
  /** Adds a point to a line; the first point of a new name begins a new line. Never throws. */
  add(series: string, x: number, y: number): void;
  /** Waits until everything added so far is drawn. */
  settled(): Promise<void>;
  /** Draws the last state and returns it as a chart; undefined when there was nothing to draw. */
  end(): Promise<Chart | undefined>;
}

const OPTIONS = ['title', 'subtitle', 'x', 'y', 'width', 'height', 'updatesPerSecond', 'output'];

/**
 * Shows a line chart in the notebook that is drawn anew, in the same place, as values are added: at most a few times a
 * second, and never twice at a time. Outside a notebook it only collects.
 *
 * @param options those of `lineChart` without `series`, and `updatesPerSecond`, `output`
 * @returns `add`, `settled` and `end`
 * @throws E_OPTION for an unknown option or one of the wrong kind
 *
 * @example
 * ```ts
 * import { liveLineChart } from '@tesserae/display';
 *
 * const chart = liveLineChart({ title: 'Loss', x: { title: 'step' } });
 * for (let step = 1; step <= 5; step++) chart.add('train', step, 1 / step);
 * const last = await chart.end();
 * console.log(last!.svg.startsWith('<svg')); // → true
 * ```
 */
export function liveLineChart(options: LiveLineChartOptions = {}): LiveLineChart {
  checkOptions('liveLineChart', options, OPTIONS);
  checkPositive('liveLineChart', 'updatesPerSecond', options.updatesPerSecond);
  const { updatesPerSecond = 2, output = {}, ...chart } = options;
  for (const axis of [chart.x, chart.y])
    if (axis !== undefined && (typeof axis !== 'object' || axis === null))
      throw displayError('E_OPTION', `an axis of liveLineChart is ${describeValue(axis)}`, 'pass { title, scale }');
  const now = output.now ?? (() => performance.now());
  const notebook = environment(output) === 'notebook' ? notebookOf(output) : undefined;
  let view: NotebookDisplay | undefined;
  const lines = new Map<string, { x: number[]; y: number[] }>();
  let drawnAt = -Infinity;
  let changed = false;
  let drawing: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  const drawNow = (): Promise<Chart> =>
    lineChart({ ...chart, series: [...lines].map(([name, { x, y }]) => ({ name, x, y })) });
  const show = (drawn: Chart): void => {
    try {
      view ??= notebook?.newDisplay();
      view?.html(drawn.html);
    } catch {
      // the notebook is closing
    }
  };
  const draw = (): Promise<void> => {
    changed = false;
    drawnAt = now();
    drawing = drawNow()
      .then((drawn) => {
        if (!ended) show(drawn);
      })
      .catch(() => {}) // nothing that can be drawn yet
      .finally(() => {
        drawing = undefined;
        if (changed) schedule();
      });
    return drawing;
  };
  const schedule = (): void => {
    if (ended || !notebook || drawing || timer) return;
    const wait = drawnAt + 1000 / updatesPerSecond - now();
    if (wait <= 0) return void draw();
    timer = setTimeout(() => {
      timer = undefined;
      if (!ended && !drawing) void draw();
    }, wait);
    timer.unref?.();
  };
  return {
    add(series, x, y) {
      if (ended) return;
      const name = String(series);
      let line = lines.get(name);
      if (!line) lines.set(name, (line = { x: [], y: [] }));
      line.x.push(Number(x));
      line.y.push(Number(y));
      changed = true;
      schedule();
    },
    async settled() {
      await drawing;
      if (notebook && changed && !ended) await draw();
    },
    async end() {
      if (timer) clearTimeout(timer);
      timer = undefined;
      await drawing;
      ended = true;
      if (
        ![...lines.values()].some(({ x, y }) => y.some((value, i) => Number.isFinite(value) && Number.isFinite(x[i])))
      )
        return undefined;
      const drawn = await drawNow();
      if (changed) show(drawn);
      changed = false;
      return drawn;
    },
  };
}
