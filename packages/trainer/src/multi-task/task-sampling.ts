import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';

/** How many rows each task has in a step. */
export interface TaskSampling {
  readonly name: string;
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /**
   * The share of each task in a step.
   *
   * @param sizes rows of each task
   * @param step counted from 0
   * @returns as many numbers ≥ 0, with any sum > 0
   */
  shares(sizes: readonly number[], step: number): readonly number[];
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** How many rows each task has in a step. */
    'task-sampling': TaskSampling;
  }
  interface PluginCatalog {
    'task-sampling:size': typeof sizeSampling;
    'task-sampling:temperature': typeof temperatureSampling;
    'task-sampling:progress': typeof progressSampling;
  }
}

/** Options of {@link sizeSampling}: none. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the place where options will stand
export interface SizeSamplingOptions {}

/**
 * Tasks in proportion to their rows: pₖ ∝ Nₖ, as if all rows were one pile.
 *
 * @param options none
 * @returns the sampling, for `multiTask({ sampling })`
 * @throws E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { sizeSampling } from '@tesserae/trainer';
 * console.log(sizeSampling().shares([300, 100], 0)); // → [ 300, 100 ]
 * ```
 */
export const sizeSampling: Plugin<'task-sampling', 'size', (options?: SizeSamplingOptions) => TaskSampling> =
  /* @__PURE__ */ definePlugin({
    kind: 'task-sampling',
    name: 'size',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Tasks in proportion to their rows',
    create: (options = {}) => {
      checkOptions<SizeSamplingOptions>('size', options, {});
      return { name: 'size', hyperparameters: {}, shares: (sizes) => sizes };
    },
  });

/** Options of {@link temperatureSampling}. */
export interface TemperatureSamplingOptions {
  /** T: 1 is in proportion to rows, Infinity alike for all; 2 when absent. */
  readonly temperature?: number;
  /** Rows of a task that count at most: no limit when absent. */
  readonly limit?: number;
}

/**
 * Tasks in proportion to a root of their rows: pₖ ∝ min(Nₖ, limit)^(1/T), so that small ones are seen more often.
 *
 * @param options T (2; `Infinity` for all alike), the limit
 * @returns the sampling, for `multiTask({ sampling })`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Raffel et al.: "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (2020), section 3.5.2.
 *
 * @example
 * ```ts
 * import { temperatureSampling } from '@tesserae/trainer';
 * console.log(temperatureSampling({ temperature: 2 }).shares([900, 100], 0)); // → [ 30, 10 ]
 * ```
 */
export const temperatureSampling: Plugin<
  'task-sampling',
  'temperature',
  (options?: TemperatureSamplingOptions) => TaskSampling
> = /* @__PURE__ */ definePlugin({
  kind: 'task-sampling',
  name: 'temperature',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Tasks in proportion to a root of their rows',
  create: (options = {}) => {
    checkOptions<TemperatureSamplingOptions>('temperature', options, {
      temperature: {
        expected: 'a number ≥ 1, or Infinity',
        test: (value) => typeof value === 'number' && value >= 1,
      },
      limit: rules.positiveInteger,
    });
    const { temperature = 2, limit = Infinity } = options;
    return {
      name: 'temperature',
      hyperparameters: { temperature: String(temperature), limit: String(limit) }, // JSON has no Infinity
      shares: (sizes) => sizes.map((size) => Math.min(size, limit) ** (1 / temperature)),
    };
  },
});

/** Options of {@link progressSampling}. */
export interface ProgressSamplingOptions {
  /** Steps of the whole training. */
  readonly totalSteps: number;
  /** The exponent at its end: 0.2. */
  readonly finalExponent?: number;
}

/**
 * Tasks in proportion to their rows at first, and more and more alike as training goes on: pₖ ∝ Nₖ^α, α from 1 down to the
 * final exponent in a straight line.
 *
 * @param options steps in all, and the exponent at their end (0.2)
 * @returns the sampling, for `multiTask({ sampling })`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Stickland and Murray: "BERT and PALs: Projected Attention Layers for Efficient Adaptation in Multi-Task Learning" (2019),
 * section 4.1 (annealed sampling).
 *
 * @example
 * ```ts
 * import { progressSampling } from '@tesserae/trainer';
 * const sampling = progressSampling({ totalSteps: 101, finalExponent: 0.5 });
 * console.log(sampling.shares([900, 100], 0), sampling.shares([900, 100], 100)); // → [ 900, 100 ] [ 30, 10 ]
 * ```
 */
export const progressSampling: Plugin<'task-sampling', 'progress', (options: ProgressSamplingOptions) => TaskSampling> =
  /* @__PURE__ */ definePlugin({
    kind: 'task-sampling',
    name: 'progress',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Tasks in proportion to their rows at first, then alike',
    create: (options) => {
      checkOptions<ProgressSamplingOptions>('progress', options, {
        totalSteps: required(rules.positiveInteger),
        finalExponent: rules.fraction,
      });
      const { totalSteps, finalExponent = 0.2 } = options;
      return {
        name: 'progress',
        hyperparameters: { totalSteps, finalExponent },
        shares: (sizes, step) => {
          const done = totalSteps === 1 ? 0 : Math.min(1, step / (totalSteps - 1));
          const exponent = 1 + (finalExponent - 1) * done;
          return sizes.map((size) => size ** exponent);
        },
      };
    },
  });
