import { formatBytes, formatDuration, formatNumber } from '../format/numbers';
import type { RateMeter } from './rate';

/** Values that are shown beside the bar, such as `{ loss: 2.31, learningRate: 3e-4 }`. */
export type ProgressFields = Readonly<Record<string, number | string | undefined>>;

/** What a progress display draws. */
export interface ProgressState {
  label: string;
  step: number;
  total: number;
  /** Name and text of everything beside the bar, most important first. */
  facts: [name: string, text: string][];
  fraction: number;
  /** Step and total as text, where they are bytes. */
  count?: string;
  done: boolean;
}

export interface ProgressSettings {
  label: string;
  total: number;
  unit: string;
  workPerStep?: number;
  workUnit: string;
  memory: () => number | undefined;
}

const NAMES: Record<string, string> = {
  learningRate: 'lr',
  gradientNorm: 'grad norm',
  validationLoss: 'val loss',
};

/** What is to be shown now. */
export function progressState(
  settings: ProgressSettings,
  meter: RateMeter,
  step: number,
  fields: ProgressFields,
  done: boolean,
): ProgressState {
  const { total, unit, workPerStep, workUnit } = settings;
  const facts: [string, string][] = [];
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) facts.push([NAMES[name] ?? words(name), fieldText(value)]);
  const rate = meter.stepsPerSecond();
  if (rate !== undefined)
    facts.push(
      workPerStep === undefined
        ? ['rate', rateText(rate, unit)]
        : ['rate', `${formatNumber(Math.round(rate * workPerStep))} ${workUnit}/s`],
    );
  if (done) facts.push(['took', formatDuration(meter.elapsedSeconds())]);
  else {
    const left = meter.secondsLeft(total);
    if (left !== undefined) facts.push(['left', formatDuration(left)]);
  }
  const memory = settings.memory();
  if (memory !== undefined) facts.push(['memory', formatBytes(memory)]);
  const fraction = total > 0 ? Math.min(1, Math.max(0, step / total)) : 1;
  const count = unit === 'byte' ? `${formatBytes(step)}/${formatBytes(total)}` : undefined;
  return { label: settings.label, step, total, facts, fraction, ...(count !== undefined && { count }), done };
}

/** `3.2 steps/s`, or `4.1 s/step` when it is slow; `3.2 MiB/s` for bytes. */
function rateText(rate: number, unit: string): string {
  if (unit === 'byte') return `${formatBytes(rate)}/s`;
  if (rate >= 1) return `${formatNumber(Number(rate.toPrecision(3)))} ${unit}s/s`;
  return `${formatNumber(Number((1 / rate).toPrecision(3)))} s/${unit}`;
}

function fieldText(value: number | string): string {
  if (typeof value === 'string') return value.replace(/\s+/g, ' ');
  const size = Math.abs(value);
  // Four digits, zeros included: a number that is drawn again and again should not change its width.
  return size >= 0.01 && size < 1000 && !Number.isInteger(value) ? value.toPrecision(4) : formatNumber(value);
}

/** `tokensSeen` → `tokens seen`. */
function words(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
}

/** `42 %`, whole numbers, 100 only at the end. */
export function percentText({ step, total }: ProgressState): string {
  return `${step >= total ? 100 : Math.min(99, Math.floor((step * 100) / total))} %`;
}

/** Everything on one line: `training  42 %  420/1,000  loss 2.31 · 1,240 tokens/s · 0:32 left · 512 MiB`. */
export function plainLine(state: ProgressState): string {
  const count = state.count ?? `${formatNumber(state.step)}/${formatNumber(state.total)}`;
  return [state.label, percentText(state).padStart(5), count, factsText(state)]
    .filter((part) => part !== '')
    .join('  ');
}

/** The facts, in as much room as there is: the last ones go first. */
export function factsText({ facts }: ProgressState, room = Infinity): string {
  const texts = facts.map(([name, text]) => {
    if (name === 'rate' || name === 'memory') return text;
    return name === 'left' ? `${text} left` : `${name} ${text}`;
  });
  while (texts.length > 0 && [...texts.join(' · ')].length > room) texts.pop();
  return texts.join(' · ');
}
