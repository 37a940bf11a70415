import * as tf from '@tensorflow/tfjs-core';
import type { OpAttributes } from './defineOp';

type Supports = (name: string, inputs: Readonly<Record<string, tf.Tensor>>, attributes: OpAttributes) => boolean;

/**
 * Runs a fused kernel by name, where the active backend has it and takes these inputs. For computations without a
 * gradient, such as an optimizer's update; what has a gradient is an op: see `defineOp`.
 *
 * @param name the kernel
 * @param inputs its tensors by name
 * @param attributes its settings
 * @returns its outputs, or undefined where there is no such kernel: then compute the same in TensorFlow.js ops
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { runFused, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * console.log(runFused('NoSuchKernel', { x: tf.scalar(1) })); // → undefined
 * ```
 */
export function runFused(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: OpAttributes = {},
): tf.Tensor[] | undefined {
  if (!tf.getKernel(name, tf.getBackend())) return undefined;
  const supports = (tf.backend() as unknown as Record<symbol, Supports | undefined>)[Symbol.for('tesserae.supports')];
  if (supports && !supports(name, inputs, attributes)) return undefined;
  const outputs = tf
    .engine()
    .runKernel<tf.Tensor | tf.Tensor[]>(name, inputs as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap);
  return Array.isArray(outputs) ? outputs : [outputs];
}
