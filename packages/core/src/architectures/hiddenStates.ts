import type { ArchitectureConfig } from '../model/types';

/** Of which stack, and whether it has a norm after its last layer. */
export interface HiddenStateOptions {
  /** Before each name: nothing, `encoder.` or `decoder.`. */
  readonly prefix?: string | undefined;
  /** Layers end in their norm (`Architecture.postNorm`), so that there is no final one. */
  readonly postNorm?: boolean | undefined;
}

/**
 * The capture names of the hidden states as Hugging Face numbers them: the embeddings, the output of each layer but the
 * last, and the last layer's output after the final norm, where there is one.
 *
 * @param config any config, or the number of layers of a stack
 * @param options `prefix`, `postNorm`
 * @returns numHiddenLayers + 1 names
 * @example
 * ```ts
 * import { hiddenStateNames } from '@tesserae/core';
 *
 * console.log(hiddenStateNames({ numHiddenLayers: 2 })); // → [ 'embeddings', 'layers.0.output', 'finalNorm' ]
 * ```
 */
export function hiddenStateNames(
  { numHiddenLayers }: Pick<ArchitectureConfig, 'numHiddenLayers'>,
  { prefix = '', postNorm = false }: HiddenStateOptions = {},
): string[] {
  const outputs = Array.from({ length: numHiddenLayers }, (_, index) => `layers.${index}.output`);
  const names = ['embeddings', ...(postNorm ? outputs : [...outputs.slice(0, -1), 'finalNorm'])];
  return names.map((name) => `${prefix}${name}`);
}
