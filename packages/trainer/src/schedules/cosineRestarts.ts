import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { decayRules, decaySettings } from './decay';
import { refuseTogether, withWarmup } from './schedule';
import type { Schedule } from './schedule';

/** Options of {@link cosineRestarts}: either `totalSteps` and `cycles`, or `cycleSteps`. */
export interface CosineRestartsOptions {
  /** The highest rate, at the end of the warm-up. */
  readonly learningRate: number;
  /** The step at which the last of `cycles` ends; the rate stays at its minimum afterwards. */
  readonly totalSteps?: number;
  /** How often the rate falls between warm-up and `totalSteps`: 1. */
  readonly cycles?: number;
  /** Steps of the first cycle; cycles go on without an end. */
  readonly cycleSteps?: number;
  /** Each cycle is so many times as long as the one before: 1. Needs `cycleSteps`. */
  readonly cycleGrowth?: number;
  /** Steps over which the rate rises from 0: 0. */
  readonly warmupSteps?: number;
  /** The lowest rate: 0. */
  readonly minimumLearningRate?: number;
}

/**
 * A rate that falls along half a cosine again and again, jumping back up in between.
 *
 * lr(s) = min + (learningRate - min) · ½(1 + cos(π · p)), p = the share of the present cycle that is over
 *
 * @param options highest and lowest rate, warm-up, and the cycles by their number or by their length
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Loshchilov and Hutter, "SGDR", section 3; equals `get_cosine_with_hard_restarts_schedule_with_warmup` of
 * Hugging Face Transformers (by number) and `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts` (by length).
 *
 * @example
 * ```ts
 * import { cosineRestarts } from '@tesserae/trainer';
 * const schedule = cosineRestarts({ learningRate: 1, cycleSteps: 2, cycleGrowth: 2 });
 * console.log([0, 1, 2, 4, 6].map((step) => schedule(step).toFixed(1)).join(' ')); // → 1.0 0.5 1.0 0.5 1.0
 * ```
 */
export const cosineRestarts: Plugin<'schedule', 'cosine-restarts', (options: CosineRestartsOptions) => Schedule> =
  /* @__PURE__ */ definePlugin({
    kind: 'schedule',
    name: 'cosine-restarts',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'A rate that falls along a cosine again and again',
    create: createCosineRestarts,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:cosine-restarts': typeof cosineRestarts;
  }
}

function createCosineRestarts(options: CosineRestartsOptions): Schedule {
  checkOptions<CosineRestartsOptions>('cosine-restarts', options, {
    ...decayRules,
    totalSteps: rules.positiveInteger,
    cycles: rules.positiveInteger,
    cycleSteps: rules.positive,
    cycleGrowth: { expected: 'a number ≥ 1', test: (v) => typeof v === 'number' && v >= 1 && Number.isFinite(v) },
  });
  const { totalSteps, cycleSteps, cycles = 1, cycleGrowth = 1 } = options;
  const byLength = cycleSteps !== undefined;
  if (byLength === (totalSteps !== undefined) || (byLength ? options.cycles : options.cycleGrowth) !== undefined) {
    refuseTogether(
      'cosine-restarts',
      'cycles are given by their number or by their length, not by both or neither',
      'give totalSteps and cycles, or cycleSteps and perhaps cycleGrowth',
    );
  }
  const decay = decaySettings('cosine-restarts', { ...options, totalSteps: totalSteps ?? Infinity });
  const { learningRate, warmupSteps, minimumLearningRate } = decay;
  const span = byLength ? { cycleSteps, cycleGrowth } : { totalSteps: totalSteps!, cycles };
  return withWarmup('cosine-restarts', { learningRate, minimumLearningRate, warmupSteps, ...span }, (step) => {
    const at = step - warmupSteps;
    const progress = byLength
      ? progressByLength(at, cycleSteps, cycleGrowth)
      : step >= totalSteps!
        ? 1
        : ((cycles * at) / (totalSteps! - warmupSteps)) % 1;
    return minimumLearningRate + (learningRate - minimumLearningRate) * 0.5 * (1 + Math.cos(Math.PI * progress));
  });
}

/** The share of the present cycle that is over, where the cycles grow. */
function progressByLength(step: number, first: number, growth: number): number {
  if (growth === 1) return (step % first) / first;
  // The cycles before cycle n take first · (growth^n - 1) / (growth - 1) steps; rounding may put a step on the wrong side.
  let cycle = Math.floor(Math.log1p((step * (growth - 1)) / first) / Math.log(growth));
  const startOf = (n: number): number => (first * (growth ** n - 1)) / (growth - 1);
  while (startOf(cycle + 1) <= step) cycle++;
  while (cycle > 0 && startOf(cycle) > step) cycle--;
  return (step - startOf(cycle)) / (first * growth ** cycle);
}
