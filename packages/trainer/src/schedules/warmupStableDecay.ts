import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, required, rules } from '../options';
import { checkDecay, makeSchedule, refuseTogether } from './schedule';
import type { Schedule } from './schedule';

/** How a rate goes from one height to another. */
export type Slope = 'linear' | 'cosine' | '1-sqrt';

/** Options of {@link warmupStableDecay}. */
export interface WarmupStableDecayOptions {
  /** The rate between warm-up and decay. */
  readonly learningRate: number;
  /** The step at which the rate reaches its minimum; it stays there afterwards. */
  readonly totalSteps: number;
  /** Steps of the decay, the last ones. */
  readonly decaySteps: number;
  /** Steps over which the rate rises: 0. */
  readonly warmupSteps?: number;
  /** The rate at both ends: 0. */
  readonly minimumLearningRate?: number;
  /** How it rises: `linear`. */
  readonly warmupSlope?: Slope;
  /** How it falls: `cosine`; `1-sqrt` falls quickly first. */
  readonly decaySlope?: Slope;
}

const falls: Readonly<Record<Slope, (progress: number) => number>> = {
  linear: (progress) => 1 - progress,
  cosine: (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)),
  '1-sqrt': (progress) => 1 - Math.sqrt(progress),
};
const rises: typeof falls = {
  linear: (progress) => progress,
  cosine: (progress) => 0.5 * (1 - Math.cos(Math.PI * progress)),
  '1-sqrt': (progress) => 1 - Math.sqrt(1 - progress),
};

/**
 * A rate that rises, stays, and falls at the end: a run can go on from any checkpoint of the stable part, and be finished
 * by a short decay from there.
 *
 * lr(s) = min + (learningRate - min) · h(s), h rising over `warmupSteps`, 1, and falling over the last `decaySteps`
 *
 * @param options the rates, the steps of each part, how it rises and falls
 * @returns the schedule: step → rate
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Hu et al., "MiniCPM", section 4.2; Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed
 * Training Durations" (`1-sqrt`); equals `get_wsd_schedule` of Hugging Face Transformers.
 *
 * @example
 * ```ts
 * import { warmupStableDecay } from '@tesserae/trainer';
 * const schedule = warmupStableDecay({ learningRate: 1, totalSteps: 10, warmupSteps: 2, decaySteps: 4, decaySlope: 'linear' });
 * console.log([1, 2, 6, 8, 10].map((step) => schedule(step)).join(' ')); // → 0.5 1 1 0.5 0
 * ```
 */
export const warmupStableDecay: Plugin<
  'schedule',
  'warmup-stable-decay',
  (options: WarmupStableDecayOptions) => Schedule
> = /* @__PURE__ */ definePlugin({
  kind: 'schedule',
  name: 'warmup-stable-decay',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'A rate that rises, stays, and falls at the end',
  create: createWarmupStableDecay,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'schedule:warmup-stable-decay': typeof warmupStableDecay;
  }
}

function createWarmupStableDecay(options: WarmupStableDecayOptions): Schedule {
  const slope = oneOf(...Object.keys(falls));
  checkOptions<WarmupStableDecayOptions>('warmup-stable-decay', options, {
    learningRate: required(rules.positive),
    totalSteps: required(rules.positiveInteger),
    decaySteps: required(rules.positiveInteger),
    warmupSteps: rules.nonNegativeInteger,
    minimumLearningRate: rules.nonNegative,
    warmupSlope: slope,
    decaySlope: slope,
  });
  const { learningRate, totalSteps, decaySteps, warmupSteps = 0, minimumLearningRate = 0 } = options;
  const { warmupSlope = 'linear', decaySlope = 'cosine' } = options;
  const settings = { learningRate, totalSteps, decaySteps, warmupSteps, minimumLearningRate, warmupSlope, decaySlope };
  checkDecay('warmup-stable-decay', settings);
  const decayStart = totalSteps - decaySteps;
  if (decayStart < warmupSteps) {
    refuseTogether(
      'warmup-stable-decay',
      `${warmupSteps} steps of warm-up and ${decaySteps} of decay do not fit into ${totalSteps} steps`,
      'shorten one of them or raise totalSteps',
    );
  }
  return makeSchedule('warmup-stable-decay', settings, (step) => {
    const height =
      step < warmupSteps
        ? rises[warmupSlope](step / warmupSteps)
        : step < decayStart
          ? 1
          : step < totalSteps
            ? falls[decaySlope]((step - decayStart) / decaySteps)
            : 0;
    return height * (learningRate - minimumLearningRate) + minimumLearningRate;
  });
}
