import { checkOptions, required, rules } from '../options';

/** Options of {@link layerwiseDecay}. */
export interface LayerwiseDecayOptions {
  /** What each layer further from the head gets of the rate of the next one: 0.9 is usual. */
  readonly decay: number;
  /** The model's `numHiddenLayers`. */
  readonly layers: number;
}

/**
 * Rates that fall with the distance to the head, for fine-tuning: the first layers hold what is general.
 *
 * Layer i of L gets decay^(L-i), embeddings decay^(L+1), everything else (final norm, head) 1.
 *
 * @param options the decay and the number of layers
 * @returns a function from a parameter's path to its factor, for `parameterGroups`
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Clark et al., "ELECTRA" (2020), appendix B; Howard and Ruder, "ULMFiT" (2018), section 3.2.
 *
 * @example
 * ```ts
 * import { adamw, layerwiseDecay, parameterGroups } from '@tesserae/trainer';
 * const learningRateScale = layerwiseDecay({ decay: 0.5, layers: 2 });
 * const names = ['tokenEmbedding.weight', 'layers.0.attention.query.weight', 'finalNorm.weight'];
 * console.log(names.map(learningRateScale).join(' ')); // → 0.125 0.25 1
 * const optimizer = parameterGroups(adamw(), [{ match: /./, learningRateScale }]);
 * ```
 */
export function layerwiseDecay(options: LayerwiseDecayOptions): (name: string) => number {
  checkOptions<LayerwiseDecayOptions>('layerwiseDecay', options, {
    decay: required(rules.fraction),
    layers: required(rules.positiveInteger),
  });
  const { decay, layers } = options;
  return (name) => {
    const layer = /(?:^|\.)layers\.(\d+)\./.exec(name);
    if (layer) return decay ** (layers - Number(layer[1]));
    return /[eE]mbedding/.test(name) && !/^outputEmbedding/.test(name) ? decay ** (layers + 1) : 1;
  };
}
