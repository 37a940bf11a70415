import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { isTensor } from '../compile/tree';
import type { Key } from '../model/types';
import { threefry2x32 } from './threefry';

/** Second counter word for keys that leave the host; see key.ts for the others. */
const COUNTER_TENSOR = 2;

/**
 * Makes the tensor form of a key, to be given to a compiled program: a new key each call, never a new program.
 *
 * Its values are the four 16-bit halves of Threefry(key, [0, 2]), most significant first.
 *
 * @param key a host key
 * @returns int32 [4]
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createKey, keyTensor } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(keyTensor(createKey(1)).shape); // → [ 4 ]
 * ```
 */
export function keyTensor(key: Key): tf.Tensor1D {
  const out = new Uint32Array(2);
  threefry2x32(key, 0, COUNTER_TENSOR, out, 0);
  return tf.tensor1d([out[0] >>> 16, out[0] & 0xffff, out[1] >>> 16, out[1] & 0xffff], 'int32');
}

/** A key in its tensor form, whichever it was given in. */
export function asKeyTensor(key: Key | tf.Tensor): tf.Tensor {
  if (isTensor(key)) {
    if (key.dtype === 'int32' && key.shape.length === 1 && key.shape[0] === 4) return key;
  } else if (Array.isArray(key) && key.length === 2 && key.every((word) => typeof word === 'number')) {
    return keyTensor(key as unknown as Key);
  }
  throw tesseraeError({
    package: 'core',
    code: 'E_KEY',
    message: 'the random key is neither a host key nor its tensor (int32 [4])',
    fix: 'make one with createKey(seed), or keyTensor(createKey(seed))',
  });
}
