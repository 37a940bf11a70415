import * as tf from '@tensorflow/tfjs-core';
import { activePrecision, within } from '../precision/precision';
import { after } from './after';
import { keepWhileRecorded, nestedGradients } from './nestedGradients';

/**
 * Runs a function without keeping what its gradient needs: the way back runs it again, on the same inputs.
 *
 * Memory of one run of the function instead of all of them, for one more run each. In a compiled program the second run
 * comes when the gradient of the first one's result is there, and gradients that were made of it come before those of what
 * is further down, so that no two functions' inner values live at the same time.
 * Chen et al.: "Training Deep Nets with Sublinear Memory Cost" (2016), section 3.
 *
 * @param run a function of the inputs that gives the same every time: under a dropout key, for instance, that it closes over
 * @param inputs what it is differentiated by, float32, no tensor twice; what it closes over counts as constant
 * @param own tensors that it closes over and that nobody else needs: they live until the gradients are made, also where the
 *   scope ends before in which they were made, and are disposed then
 * @returns what the function gives
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { recompute } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * let runs = 0;
 * const cube = (x: tf.Tensor): tf.Tensor => recompute(([x]) => (runs++, tf.mul(x, tf.square(x))), [x]);
 * console.log(tf.grad(cube)(tf.scalar(2)).dataSync()[0], runs); // → 12 2
 * ```
 */
export function recompute(
  run: (inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  own: readonly tf.Tensor[] = [],
): tf.Tensor {
  const precision = activePrecision();
  const differentiable = tf.customGrad((...args: unknown[]) => {
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    (args[inputs.length] as (tensors: tf.Tensor[]) => void)(given);
    const gradFunc = (upstream: tf.Tensor, all: tf.Tensor[]): tf.Tensor[] => {
      const saved = all.slice(0, inputs.length); // behind them stand those kept for the recording
      const [first, ...others] = saved;
      const again = [after(first, [upstream]), ...others];
      const { gradients } = nestedGradients(() => within(precision, () => run(again)), again, upstream);
      const [byFirst, ...byOthers] = gradients.map((gradient, i) => gradient ?? tf.zerosLike(saved[i]));
      return [after(byFirst, byOthers), ...byOthers];
    };
    return { value: run(given), gradFunc: gradFunc as (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[] };
  });
  const value = differentiable(...inputs);
  keepWhileRecorded(own);
  return value;
}
