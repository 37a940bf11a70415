import { describeValue } from '@tesserae/registry';
import { environment } from '../environment/output';
import type { Output } from '../environment/output';
import { checkChoice, checkOptions, checkPositive, displayError } from '../errors/display-error';
import type { Chart } from './chart';
import { lineChart } from './line-chart';
import type { LineChartOptions } from './line-chart';
import { createLivePainter } from './live-painters';
import type { Series } from './series';

/** A chart that is drawn while its values come in. */
export interface LiveLineChartOptions extends Omit<LineChartOptions, 'series'> {
  /** Drawings a second at most. Default 2. */
  updatesPerSecond?: number;
  /**
   * Draw where there is no notebook, too: in place in a terminal, above the line of a progress bar if there is one; a line
   * of text every ten seconds elsewhere. Default `false`.
   */
  text?: boolean;
  /** Average noisy lines, as `smooth` of a series does: their names. */
  smooth?: readonly string[];
  /** Where to draw. */
  output?: Output;
}

/** A line chart that grows. */
export interface LiveLineChart {
  /** Adds a point to a line; the first point of a new name begins a new line. Never throws. */
  add(series: string, x: number, y: number): void;
  /** Takes away the points beyond a place on the x axis, as when a run goes back. */
  removeAfter(x: number): void;
  /** Waits until everything added so far is drawn. */
  settled(): Promise<void>;
  /** Draws the last state and returns it as a chart; undefined when there was nothing to draw. */
  end(): Promise<Chart | undefined>;
}

const OPTIONS = ['title', 'subtitle', 'x', 'y', 'width', 'height', 'updatesPerSecond', 'text', 'smooth', 'output'];

/**
 * Shows a line chart in the notebook that is drawn anew, in the same place, as values are added: at most a few times a
 * second, and never twice at a time. Outside a notebook it only collects, unless `text` says that it draws there, too.
 *
 * @param options those of `lineChart` without `series`, and `updatesPerSecond`, `text`, `smooth`, `output`
 * @returns `add`, `removeAfter`, `settled` and `end`
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
  checkChoice('liveLineChart', 'text', options.text, [true, false]);
  const { updatesPerSecond = 2, text = false, smooth = [], output = {}, ...chart } = options;
  for (const axis of [chart.x, chart.y])
    if (axis !== undefined && (typeof axis !== 'object' || axis === null))
      throw displayError('E_OPTION', `an axis of liveLineChart is ${describeValue(axis)}`, 'pass { title, scale }');
  const now = output.now ?? (() => performance.now());
  const painter = createLivePainter(environment(output), chart, {
    output,
    text,
    milliseconds: 1000 / updatesPerSecond,
  });
  const lines = new Map<string, { x: number[]; y: number[] }>();
  let drawnAt = -Infinity;
  let changed = false;
  let drawing: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  const seriesNow = (): Series[] =>
    [...lines].map(([name, { x, y }]) => ({ name, x, y, ...(smooth.includes(name) && { smooth: true }) }));
  const paint = async (): Promise<void> => {
    changed = false;
    try {
      await painter?.paint(seriesNow());
    } catch {
      // nothing that can be drawn yet
    }
  };
  const draw = (): Promise<void> => {
    drawnAt = now();
    drawing = paint().finally(() => {
      drawing = undefined;
      if (changed) schedule();
    });
    return drawing;
  };
  const schedule = (): void => {
    if (ended || !painter || drawing) return;
    const wait = drawnAt + painter.milliseconds - now();
    if (wait <= 0) {
      clearTimeout(timer); // timers come late in a busy program
      timer = undefined;
      return void draw();
    }
    timer ??= setTimeout(() => {
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
    removeAfter(place) {
      for (const [name, { x, y }] of lines) {
        const kept = x.flatMap((value, i) => (value <= place ? [i] : []));
        lines.set(name, { x: kept.map((i) => x[i]), y: kept.map((i) => y[i]) });
      }
      changed = true;
      schedule();
    },
    async settled() {
      await drawing;
      if (painter && changed && !ended) await draw();
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
      const drawn = await lineChart({ ...chart, series: seriesNow() });
      if (changed) await paint();
      return drawn;
    },
  };
}
