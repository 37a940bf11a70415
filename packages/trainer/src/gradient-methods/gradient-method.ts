import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** What a gradient method is told before the first step. */
export interface GradientMethodSetup {
  /** The names of the objective's losses. */
  readonly parts: readonly string[];
  /** What is learned, in the order of `paths`. */
  readonly parameters: readonly Tensor[];
  /** Paths in the model's tree. */
  readonly paths: readonly string[];
}

/** What a gradient method works with in one step. */
export interface GradientInputs extends Omit<GradientMethodSetup, 'parts'> {
  /**
   * The losses with other parameters in place of the present ones, by name; may be asked for and differentiated as often
   * as wanted. The same parameters give the same losses: dropout keeps its masks within a step.
   */
  losses(parameters: readonly Tensor[]): Readonly<Record<string, Scalar>>;
  /** What the method keeps from step to step, as `init` made it. */
  readonly state: readonly Tensor[];
  /** [] The rate of this step. */
  readonly learningRate: Scalar;
}

/** What a gradient method gives back. */
export interface GradientResult {
  /** The losses that are reported, by name: those of the present parameters. */
  readonly losses: Readonly<Record<string, Scalar>>;
  /** One for each parameter, of its shape. */
  readonly gradients: Tensor[];
  /** Of the shapes that `init` made. */
  readonly state: Tensor[];
}

/**
 * How gradients are made of losses, where it is not simply the gradient of their sum: tasks weighed against each other,
 * conflicting gradients projected, parameters disturbed on purpose.
 *
 * `gradients` is called while the training step is traced: it must use TensorFlow.js operations only and read no value.
 */
export interface GradientMethod {
  readonly name: string;
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /** Tensors that it keeps from step to step; none when absent. */
  init?(setup: GradientMethodSetup): Tensor[];
  gradients(inputs: GradientInputs): GradientResult;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Makes gradients of losses. */
    'gradient-method': GradientMethod;
  }
}
