import { checkOptions, required, rules } from '../options';

/** Options of {@link layerwiseDecay}. */
export interface LayerwiseDecayOptions {
  /** What each layer further from the head gets of the rate of the next one: 0.9 is usual. */
  readonly decay: number;
  /** The model's `numHiddenLayers`; of an encoder-decoder, the layers of its encoder. */
  readonly layers: number;
  /** The layers of an encoder-decoder's decoder; as many as the encoder's when absent. */
  readonly decoderLayers?: number | undefined;
}

/**
 * Rates that fall with the distance to the head, for fine-tuning: the first layers hold what is general.
 *
 * Layer i of L gets decay^(L-i), embeddings decay^(L+1), everything else (final norm, head) 1. In an encoder-decoder each
 * stack counts its own layers, embeddings that both use count those of the deeper one, and a stack's table of relative
 * positions, which its first layer holds for all, counts as layer 0.
 *
 * @param options the decay and the numbers of layers
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
    decoderLayers: rules.positiveInteger,
  });
  const { decay, layers, decoderLayers = layers } = options;
  return (name) => {
    const stack = /^(?:encoder|decoder)(?=\.)/.exec(name)?.[0];
    const depth = stack === 'decoder' ? decoderLayers : stack ? layers : Math.max(layers, decoderLayers);
    const layer = /(?:^|\.)layers\.(\d+)\./.exec(name)?.[1] ?? (/\.relativePosition\./.test(name) ? 0 : undefined);
    if (layer !== undefined) return decay ** ((stack ? depth : layers) - Number(layer));
    return /[eE]mbedding/.test(name) && !/^outputEmbedding/.test(name) ? decay ** (depth + 1) : 1;
  };
}
