import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** What an optimizer remembers between steps: named slots, each a list of tensors (usually one per parameter). */
export interface OptimizerState {
  readonly [slot: string]: readonly Tensor[];
}

/** What changes from step to step, and what differs from parameter to parameter. */
export interface OptimizerContext {
  /** [] The rate for this step. */
  readonly learningRate: Scalar;
  /** [] The number of this update, counted from 1. */
  readonly step: Scalar;
  /** One flag per parameter: whether weight decay applies to it (not to norms and biases). */
  readonly decay: readonly boolean[];
  /** The name of each parameter, its path in the model's tree; absent where there are none. */
  readonly names?: readonly string[] | undefined;
  /**
   * [] A factor on all gradients, such as the one that clips their norm; 1 when absent. Only given to optimizers that
   * say `scalesGradients`; for the others it is applied before.
   */
  readonly gradientScale?: Scalar | undefined;
}

/** The parameters and the state after one update, in the order in which they came. */
export interface OptimizerUpdate {
  readonly parameters: Tensor[];
  readonly state: OptimizerState;
}

/** A hyperparameter as it is reported and compared with the one in a checkpoint. */
export type Hyperparameter = number | boolean | string | undefined;

/**
 * An optimizer: two pure functions over lists of tensors.
 *
 * `update` is called while the training step is traced: it must use TensorFlow.js operations only, dispose nothing and
 * read no value. Everything that it remembers is in the state that it returns, which has the slots and shapes that
 * `init` made.
 */
export interface Optimizer {
  readonly name: string;
  readonly hyperparameters: Readonly<Record<string, Hyperparameter>>;
  /** Whether `update` applies `gradientScale` itself, which saves a pass over the gradients. */
  readonly scalesGradients?: boolean;
  /** The rate to use when no schedule is given. */
  readonly learningRate?: number;
  /** Slots whose values are never negative, which a narrow storage may know. */
  readonly positiveSlots?: readonly string[];
  /** State before the first step; `names` are the parameters' paths in the model's tree. */
  init(parameters: readonly Tensor[], names?: readonly string[]): OptimizerState;
  update(
    gradients: readonly Tensor[],
    state: OptimizerState,
    parameters: readonly Tensor[],
    context: OptimizerContext,
  ): OptimizerUpdate;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Turns gradients into changes of parameters. */
    optimizer: Optimizer;
  }
}
