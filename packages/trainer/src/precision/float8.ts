import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { PrecisionPolicy } from './policy';

/**
 * Matrix products of float8: E4M3 forward, E5M2 for gradients, each tensor scaled by a power of two to use the type's
 * range. What they give, attention and the output layer are bfloat16.
 *
 * @returns the policy, for `train(model, { precision: float8(), … })`
 *
 * Micikevicius et al.: "FP8 Formats for Deep Learning" (2022), section 3.
 *
 * @example
 * ```ts
 * import { float8 } from '@tesserae/trainer';
 * console.log(float8().products); // → float8
 * ```
 */
export const float8: Plugin<'precision', 'float8', () => PrecisionPolicy> = /* @__PURE__ */ definePlugin({
  kind: 'precision',
  name: 'float8',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Matrix products of float8 (E4M3 and E5M2), scaled tensor by tensor',
  create: (): PrecisionPolicy => ({ name: 'float8', hyperparameters: {}, products: 'float8' }),
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'precision:float8': typeof float8;
  }
}
