import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { AdapterMethod } from './adapter-method';

/**
 * Puts an adapter on a model: a new model with a few weights of its own, which shares all others with the base. `train`
 * changes the adapter alone, so any number of adapters can stand on one base, and which is used is decided by which model
 * is called.
 *
 * @param base the model; it is not changed, and must not be disposed while the new one is used
 * @param method `lora({ … })`, `ia3()`, `promptTuning({ … })`
 * @returns the model with the adapter; `disposeAdapter` frees what is its own
 * @throws E_MODEL when the first argument is no model, E_OPTION when the second is no method; E_ADAPTER_TARGET when the
 *   method's targets are not in the model
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { adapt, countLearned, lora } from '@tesserae/trainer';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const polite = adapt(base, lora({ rank: 2 }));
 * const brief = adapt(base, lora({ rank: 4, targets: 'all-linear' }));
 * console.log(countLearned(polite).adapter, countLearned(brief).adapter); // → 128 1024
 * ```
 */
export function adapt<C>(base: Model<C>, method: AdapterMethod): Model<C> {
  const given = base as Partial<Model<C>> | null | undefined;
  if (typeof given?.architecture?.forward !== 'function' || typeof given.params !== 'object')
    throw tesseraeError({
      package: 'trainer',
      plugin: 'adapt',
      code: 'E_MODEL',
      message: 'the first argument is no model',
      fix: 'pass what createModel or loadPretrained returns',
    });
  if (typeof (method as Partial<AdapterMethod> | undefined)?.apply !== 'function')
    throw tesseraeError({
      package: 'trainer',
      plugin: 'adapt',
      code: 'E_OPTION',
      message: 'the second argument is no way of adapting',
      fix: 'pass lora({ … }), ia3({ … }) or promptTuning({ … })',
    });
  return method.apply(base);
}
