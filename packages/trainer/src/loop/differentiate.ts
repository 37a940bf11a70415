import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { ArchitectureConfig, Model, Params } from '@tesserae/core';
import type { GradientMethod } from '../gradient-methods/index';
import { gradientsOf } from '../gradient-methods/index';
import type { Objective } from '../objectives/index';
import type { OptimizerState } from '../optimizers/index';
import type { Regularizer } from '../regularizers/index';
import type { BatchTensors } from './batches';
import { batchLosses, partsOf } from './losses';
import type { Losses, LossSettings } from './losses';

/** Where the state of a gradient method stands beside that of the optimizer. */
export const METHOD_SLOT = 'gradientMethod';

/** What the sum of all penalties is called among the losses. */
export const PENALTY = 'penalty';

/** What goes into every step unchanged. */
export interface Constants {
  /** Parameters that do not learn. */
  readonly fixed: readonly Tensor[];
  /** What each regularizer measures against. */
  readonly regularizers: readonly Readonly<Record<string, Tensor>>[];
}

/** What one differentiation starts from. */
export interface GradientTask {
  readonly parameters: readonly Tensor[];
  readonly inputs: Constants;
  readonly batch: BatchTensors;
  /** [] What losses are multiplied with before they are differentiated; 1 when absent. */
  readonly weight?: Scalar;
  /** [] How much larger than the loss itself what is differentiated is, `weight` apart; 1 when absent. */
  readonly lossScale?: Scalar | undefined;
  /** State of the gradient method; absent where it has none. */
  readonly state?: readonly Tensor[] | undefined;
  /** [] Only needed by gradient methods. */
  readonly learningRate?: Scalar;
}

/** What comes out of it. */
export interface StepGradients {
  /** [] each, in the order of `parts`; not weighted. */
  readonly losses: Tensor[];
  readonly gradients: Tensor[];
  /** State of the gradient method. */
  readonly state: Tensor[];
}

/** The part of a step that makes gradients. */
export interface Differentiator {
  /** The names of the losses, `penalty` among them where there are regularizers. */
  readonly parts: readonly string[];
  /** Traced or run eagerly as a part of the step. */
  differentiate(task: GradientTask): StepGradients;
  /** The gradient method's slot of the state, before the first step. */
  initialState(parameters: readonly Tensor[]): OptimizerState;
}

interface DifferentiatorOptions {
  readonly objective?: Objective | undefined;
  readonly gradients?: GradientMethod | undefined;
  readonly regularizers?: readonly Regularizer[] | undefined;
  readonly paths: readonly string[];
  readonly lossSettings?: LossSettings | undefined;
  readonly treeOf: (learning: readonly Tensor[], fixed: readonly Tensor[]) => Params;
}

/** Makes what turns a batch into losses and gradients, by the sum of all losses or by a method of its own. */
export function differentiator<C extends ArchitectureConfig>(
  model: Model<C>,
  { objective, gradients: method, regularizers = [], paths, treeOf, lossSettings }: DifferentiatorOptions,
): Differentiator {
  const ownParts = partsOf(objective);
  const parts = regularizers.length > 0 ? [...ownParts, PENALTY] : ownParts;

  const penalties = (parameters: readonly Tensor[], { regularizers: tensors }: Constants): Losses => {
    if (regularizers.length === 0) return {};
    const byPath = new Map(paths.map((path, i) => [path, parameters[i]]));
    return { [PENALTY]: tf.addN(regularizers.map(({ penalty }, i) => penalty(byPath, tensors[i]))) as Scalar };
  };
  const losses = ({ inputs, batch, lossScale }: GradientTask, parameters: readonly Tensor[]): Losses =>
    batchLosses(model, treeOf(parameters, inputs.fixed), objective, batch, { ...lossSettings, lossScale });

  const ofTheSum = (task: GradientTask): StepGradients => {
    const all = (parameters: readonly Tensor[]): Losses => ({
      ...losses(task, parameters),
      ...penalties(parameters, task.inputs),
    });
    const { weight, lossScale } = task;
    const factor = weight && lossScale ? (tf.mul(weight, lossScale) as Scalar) : (weight ?? lossScale);
    const { values, gradients } = gradientsOfSum(all, parts, task.parameters, factor);
    return { losses: values, gradients, state: [] };
  };

  const byMethod = (task: GradientTask, { gradients: make }: GradientMethod): StepGradients => {
    const { parameters, inputs, state = [], learningRate } = task;
    const own = make({ losses: (other) => losses(task, other), parameters, paths, state, learningRate: learningRate! });
    const values: Tensor[] = ownParts.map((name) => own.losses[name]);
    if (regularizers.length === 0) return { losses: values, gradients: own.gradients, state: own.state };
    const penalty = gradientsOf((other) => penalties(other, inputs)[PENALTY], parameters);
    return {
      losses: [...values, penalty.loss],
      gradients: own.gradients.map((gradient, i) => tf.add(gradient, penalty.gradients[i])),
      state: own.state,
    };
  };

  return {
    parts,
    differentiate: (task) => (method ? byMethod(task, method) : ofTheSum(task)),
    initialState(parameters): OptimizerState {
      const tensors = method?.init?.({ parts: ownParts, parameters, paths });
      return tensors && tensors.length > 0 ? { [METHOD_SLOT]: tensors } : {};
    },
  };
}

/** Each loss, and the gradients of the sum of all: one pass, as the sum of a vector of losses. */
function gradientsOfSum(
  all: (parameters: readonly Tensor[]) => Losses,
  parts: readonly string[],
  parameters: readonly Tensor[],
  weight: Scalar | undefined,
): { values: Tensor[]; gradients: Tensor[] } {
  if (parts.length === 1) {
    const { loss, gradients } = gradientsOf((other) => all(other)[parts[0]], parameters, weight);
    return { values: [loss], gradients };
  }
  const ones = tf.ones([parts.length]);
  const stacked = (other: readonly Tensor[]): Scalar => {
    const losses = all(other);
    return tf.stack(parts.map((name) => losses[name])) as unknown as Scalar; // [parts]
  };
  const each = gradientsOf(stacked, parameters, (weight ? tf.mul(ones, weight) : ones) as unknown as Scalar);
  return { values: tf.unstack(each.loss as Tensor), gradients: each.gradients };
}
