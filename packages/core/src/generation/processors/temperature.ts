import { refuseOption } from './processor';
import type { LogitsProcessor } from './processor';

/**
 * Sharpens (below 1) or flattens (above 1) the distribution: logits / temperature.
 *
 * @param temperature above 0
 * @returns the processor
 * @throws E_GENERATION_OPTION when the temperature is not above 0
 * @see `TemperatureLogitsWarper` of transformers
 * @example
 * ```ts
 * import { temperatureProcessor } from '@tesserae/core';
 * const logits = new Float32Array([1, 2]);
 * temperatureProcessor(0.5)(logits, { ids: [] });
 * console.log(logits); // → Float32Array(2) [ 2, 4 ]
 * ```
 */
export function temperatureProcessor(temperature: number): LogitsProcessor {
  if (!(temperature > 0 && Number.isFinite(temperature))) refuseOption('temperature', temperature, 'a number above 0');
  return (logits) => {
    for (let i = 0; i < logits.length; i++) logits[i] /= temperature;
  };
}
