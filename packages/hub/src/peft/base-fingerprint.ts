import { createHash } from 'node:crypto';
import { flattenParams, isWeightForm, weightOperations } from '@tesserae/core';
import type { Model } from '@tesserae/core';

/** The entry of the file's metadata that holds the fingerprint of the base. */
export const BASE_ENTRY = 'tesserae.base';

/**
 * A number for a model's weights, by which an adapter knows its base again: SHA-256 over architecture, paths, shapes and
 * values, without the parameters that the adapter replaces.
 */
export async function baseFingerprint<C>(model: Model<C>, without: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  hash.update(model.architecture.name);
  for (const [path, weight] of flattenParams(model.params)) {
    if (without.includes(path)) continue;
    const tensors = isWeightForm(weight) ? weightOperations(weight).tensors(weight) : { '': weight };
    for (const [name, tensor] of Object.entries(tensors)) {
      hash.update(`${path}#${name}[${tensor.shape.join()}]`);
      const values = (await tensor.data()) as Float32Array;
      hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  }
  return hash.digest('hex');
}
