import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** A penalty on the parameters themselves, added to the loss: it keeps them near what they were, or small. */
export interface Regularizer {
  readonly name: string;
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /** What it measures against, such as earlier parameters: inputs of the compiled step, which stay the caller's. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /**
   * The penalty, a part of the compiled step.
   *
   * @param parameters what is learned, by its path in the model's tree
   * @param tensors those above
   */
  penalty(parameters: ReadonlyMap<string, Tensor>, tensors: Readonly<Record<string, Tensor>>): Scalar;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** A penalty on the parameters. */
    regularizer: Regularizer;
  }
}
