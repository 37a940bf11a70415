import type { Precision } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { checkOptions, oneOf, required, rules } from '../options';
import { bfloat16 } from './bfloat16';
import { float16 } from './float16';
import { float8 } from './float8';
import type { LossScaling, PrecisionPolicy } from './policy';

/** Options of {@link mixedPrecision}. */
export interface MixedPrecisionOptions {
  /** The numbers of products. */
  readonly products: Exclude<Precision, 'float32'>;
  /** How the loss is scaled: as `float16` does for float16, not at all (`false`) for the others. */
  readonly lossScaling?: Partial<LossScaling> | false;
}

/**
 * A precision put together from its parts: the numbers of products, and whether and how the loss is scaled.
 *
 * @param options `products`, `lossScaling`
 * @returns the policy, for `train(model, { precision: mixedPrecision({ … }), … })`
 * @throws E_OPTION, E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { mixedPrecision } from '@tesserae/trainer';
 * const policy = mixedPrecision({ products: 'float16', lossScaling: false });
 * console.log(policy.products, policy.lossScaling); // → float16 undefined
 * ```
 */
export function mixedPrecision(options: MixedPrecisionOptions): PrecisionPolicy {
  checkOptions<MixedPrecisionOptions>('mixedPrecision', options, {
    products: required(oneOf('float16', 'bfloat16', 'float8')),
    lossScaling: { expected: 'false or how it is scaled', test: (v) => v === false || rules.object.test(v) },
  });
  const { products, lossScaling = products === 'float16' ? {} : false } = options;
  if (lossScaling === false) return { name: `mixed ${products}`, hyperparameters: {}, products };
  return { ...float16(lossScaling), name: `mixed ${products}`, products };
}

/** What `train` takes as its precision. */
export type PrecisionOption = Precision | PrecisionPolicy;

/** The policy that an option names; none for float32. @throws E_OPTION */
export function precisionOf(option: PrecisionOption | undefined): PrecisionPolicy | undefined {
  if (option === undefined || option === 'float32') return undefined;
  if (typeof option === 'object') return option;
  const named: Partial<Record<string, () => PrecisionPolicy>> = { float16, bfloat16, float8 };
  const create = Object.hasOwn(named, option) ? named[option] : undefined;
  if (create) return create();
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_OPTION',
    message: `the precision '${String(option)}' is unknown`,
    fix: 'use float32, float16, bfloat16, float8, or mixedPrecision({ … })',
  });
}
