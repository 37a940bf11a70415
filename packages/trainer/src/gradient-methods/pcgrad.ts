import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions } from '../options';
import type { GradientMethod } from './gradient-method';
import { gradientsOf } from './gradients-of';
import { dot } from './weighted-gradients';

/** Options of {@link pcgrad}: none yet. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the place where options will stand
export interface PcgradOptions {}

/**
 * Gradient surgery: where the gradients of two tasks point against each other, each loses the part that hurts the other.
 *
 * gᵢ ← gᵢ - min(0, gᵢ·gⱼ) / ‖gⱼ‖² gⱼ for all j ≠ i in turn; the step takes Σ gᵢ
 *
 * Costs a pass a task. The other tasks come in a fixed order, beginning with the next one, where the paper draws it anew.
 *
 * @param options none yet
 * @returns the gradient method, for `train(model, { objective: multiTask(), gradients: pcgrad() })`
 * @throws E_UNKNOWN_OPTION
 *
 * Yu et al.: "Gradient Surgery for Multi-Task Learning" (2020), algorithm 1.
 *
 * @example
 * ```ts
 * import { pcgrad } from '@tesserae/trainer';
 * console.log(pcgrad().name); // → pcgrad
 * ```
 */
export const pcgrad: Plugin<'gradient-method', 'pcgrad', (options?: PcgradOptions) => GradientMethod> =
  /* @__PURE__ */ definePlugin({
    kind: 'gradient-method',
    name: 'pcgrad',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Conflicting gradients of tasks are projected',
    create: createPcgrad,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'gradient-method:pcgrad': typeof pcgrad;
  }
}

function createPcgrad(options: PcgradOptions = {}): GradientMethod {
  checkOptions<PcgradOptions>('pcgrad', options, {});
  return {
    name: 'pcgrad',
    hyperparameters: {},
    gradients({ losses, parameters }) {
      const names = Object.keys(losses(parameters)); // only names: nothing of this is computed in a compiled step
      const each = names.map((name) => gradientsOf((other) => losses(other)[name], parameters));
      const gradients = projectConflicts(each.map((one) => one.gradients));
      return {
        losses: Object.fromEntries(names.map((name, i) => [name, each[i].loss])),
        gradients,
        state: [],
      };
    },
  };
}

/** The sum of the tasks' gradients after each was projected against the others: a list of tensors a task → one list. */
export function projectConflicts(tasks: readonly (readonly Tensor[])[]): Tensor[] {
  const squares = tasks.map((task) => dot(task, task)); // [] each
  const projected = tasks.map((task, i) => {
    let own = task;
    for (let k = 1; k < tasks.length; k++) {
      const j = (i + k) % tasks.length;
      const conflict = tf.minimum(dot(own, tasks[j]), 0); // []
      const share = tf.divNoNan(conflict, squares[j]) as Scalar; // []
      own = own.map((gradient, at) => tf.sub(gradient, tf.mul(tasks[j][at], share)));
    }
    return own;
  });
  return tasks[0].map((_, at) => tf.addN(projected.map((own) => own[at])));
}
