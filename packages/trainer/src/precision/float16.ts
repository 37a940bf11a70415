import { definePlugin, tesseraeError } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { LossScaling, PrecisionPolicy } from './policy';

/** Options of {@link float16}; the defaults are those of PyTorch's `GradScaler`. */
export type Float16Options = Partial<LossScaling>;

/**
 * Products of float16, with a loss that is scaled as far as its gradients stay finite.
 *
 * A step whose gradients are not finite changes nothing, is counted in the history, and cuts the scale by `backoffFactor`;
 * after `growthInterval` steps without one the scale grows by `growthFactor`. The state of the scale is in checkpoints.
 * On WebGPU with half precision products are computed in float16; elsewhere they are float32 sums of the same numbers.
 *
 * @param options `initialScale` (65,536), `growthInterval` (2000 steps), `growthFactor` (2), `backoffFactor` (½)
 * @returns the policy, for `train(model, { precision: float16(), … })`
 * @throws E_OPTION, E_UNKNOWN_OPTION
 *
 * Micikevicius et al.: "Mixed Precision Training" (2018), section 3.
 *
 * @example
 * ```ts
 * import { float16 } from '@tesserae/trainer';
 * console.log(float16({ growthInterval: 100 }).lossScaling?.growthInterval); // → 100
 * ```
 */
export const float16: Plugin<'precision', 'float16', (options?: Float16Options) => PrecisionPolicy> =
  /* @__PURE__ */ definePlugin({
    kind: 'precision',
    name: 'float16',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Products of float16, with a scaled loss',
    create: createFloat16,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'precision:float16': typeof float16;
  }
}

function createFloat16(options: Float16Options = {}): PrecisionPolicy {
  checkOptions<Float16Options>('float16', options, {
    initialScale: rules.positive,
    growthInterval: rules.positiveInteger,
    growthFactor: rules.positive,
    backoffFactor: rules.positive,
  });
  const { initialScale = 65536, growthInterval = 2000, growthFactor = 2, backoffFactor = 0.5 } = options;
  if (growthFactor < 1 || backoffFactor >= 1) {
    throw tesseraeError({
      package: 'trainer',
      plugin: 'float16',
      code: 'E_OPTION',
      message: `growthFactor ${growthFactor} and backoffFactor ${backoffFactor} do not grow and cut a scale`,
      fix: 'use a growthFactor of 1 or more and a backoffFactor below 1',
    });
  }
  const lossScaling = { initialScale: Math.fround(initialScale), growthInterval, growthFactor, backoffFactor };
  return { name: 'float16', hyperparameters: lossScaling, products: 'float16', lossScaling };
}
