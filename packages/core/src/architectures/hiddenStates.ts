import type { ArchitectureConfig } from '../model/types';

/**
 * The capture names of the hidden states as Hugging Face numbers them: the embeddings, the output of each layer but the
 * last, and the last layer's output after the final norm.
 *
 * @param config any config
 * @returns numHiddenLayers + 1 names
 * @example
 * ```ts
 * import { hiddenStateNames } from '@tesserae/core';
 *
 * console.log(hiddenStateNames({ numHiddenLayers: 2 })); // → [ 'embeddings', 'layers.0.output', 'finalNorm' ]
 * ```
 */
export function hiddenStateNames({ numHiddenLayers }: Pick<ArchitectureConfig, 'numHiddenLayers'>): string[] {
  return [
    'embeddings',
    ...Array.from({ length: numHiddenLayers - 1 }, (_, index) => `layers.${index}.output`),
    'finalNorm',
  ];
}
