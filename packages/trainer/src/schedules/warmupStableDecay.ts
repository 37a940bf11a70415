import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, required, rules } from '../options';
import { decayRules, decaySettings } from './decay';
import type { DecayOptions } from './decay';
import { makeSchedule, refuseTogether } from './schedule';
import type { Schedule } from './schedule';

/** How a rate goes from one height to another. */
export type Slope = 'linear' | 'cosine' | '1-sqrt';

/** Options of {@link warmupStableDecay}. */
export interface WarmupStableDecayOptions extends DecayOptions {
  /** Steps of the decay, the last ones. */
  readonly decaySteps: number;
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
    ...decayRules,
    decaySteps: required(rules.positiveInteger),
    warmupSlope: slope,
    decaySlope: slope,
  });
  const decay = decaySettings('warmup-stable-decay', options);
  const { learningRate, totalSteps, warmupSteps, minimumLearningRate } = decay;
  const { decaySteps, warmupSlope = 'linear', decaySlope = 'cosine' } = options;
  const decayStart = totalSteps - decaySteps;
  if (decayStart < warmupSteps) {
    refuseTogether(
      'warmup-stable-decay',
      `${warmupSteps} steps of warm-up and ${decaySteps} of decay do not fit into ${totalSteps} steps`,
      'shorten one of them or raise totalSteps',
    );
  }
  return makeSchedule('warmup-stable-decay', { ...decay, decaySteps, warmupSlope, decaySlope }, (step) => {
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
