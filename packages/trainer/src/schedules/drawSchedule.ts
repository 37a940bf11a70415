import { lineChart } from '@tesserae/display';
import type { Chart } from '@tesserae/display';
import { checkOptions, required, rules } from '../options';
import { refuseTogether } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link drawSchedule}. */
export interface DrawScheduleOptions {
  /** Up to which step. */
  readonly steps: number;
  readonly title?: string;
}

/** More points than this show nothing more. */
const MOST_POINTS = 400;

/**
 * Draws one schedule, or several beside each other.
 *
 * @param schedules a schedule, or several by the name that the legend shows
 * @param options the number of steps, a title
 * @returns the chart: `show(chart)` in a notebook
 * @throws E_OPTION, E_UNKNOWN_OPTION for what is no schedule and options that cannot be
 * @example
 * ```ts
 * import { cosine, drawSchedule, warmup } from '@tesserae/trainer';
 * const chart = await drawSchedule(warmup(10).then(cosine({ learningRate: 1e-3, totalSteps: 90 })), { steps: 100 });
 * console.log(chart.svg.startsWith('<svg')); // → true
 * ```
 */
export async function drawSchedule(
  schedules: Schedule | Readonly<Record<string, Schedule>>,
  options: DrawScheduleOptions,
): Promise<Chart> {
  checkOptions<DrawScheduleOptions>('drawSchedule', options, {
    steps: required(rules.positiveInteger),
    title: rules.string,
  });
  const { steps, title = 'Learning rate' } = options;
  const named: [string, Schedule][] =
    typeof schedules === 'function' ? [[schedules.scheduleName ?? 'rate', schedules]] : Object.entries(schedules ?? {});
  if (named.length === 0 || named.some(([, schedule]) => typeof schedule !== 'function'))
    refuseTogether(
      'drawSchedule',
      'there is no schedule to draw',
      'give one such as cosine({ … }), or several by name',
    );
  const every = Math.max(1, Math.ceil(steps / MOST_POINTS));
  const at = Array.from({ length: Math.floor(steps / every) + 1 }, (_, i) => i * every);
  const series = named.map(([name, schedule]) => ({ name, x: at, y: at.map((step) => schedule(step)) }));
  return lineChart({ series, title, x: { title: 'step' }, y: { title: 'learning rate', zero: true } });
}
