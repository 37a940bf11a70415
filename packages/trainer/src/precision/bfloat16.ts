import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { PrecisionPolicy } from './policy';

/**
 * Products of bfloat16, which has the range of float32, so that the loss needs no scale.
 *
 * @returns the policy, for `train(model, { precision: bfloat16(), … })`
 *
 * Kalamkar et al.: "A Study of BFLOAT16 for Deep Learning Training" (2019).
 *
 * @example
 * ```ts
 * import { bfloat16 } from '@tesserae/trainer';
 * console.log(bfloat16().products); // → bfloat16
 * ```
 */
export const bfloat16: Plugin<'precision', 'bfloat16', () => PrecisionPolicy> = /* @__PURE__ */ definePlugin({
  kind: 'precision',
  name: 'bfloat16',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Products of bfloat16',
  create: (): PrecisionPolicy => ({ name: 'bfloat16', hyperparameters: {}, products: 'bfloat16' }),
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'precision:bfloat16': typeof bfloat16;
  }
}
