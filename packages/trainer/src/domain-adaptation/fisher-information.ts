import type { Tensor } from '@tensorflow/tfjs-core';

/** The diagonal of the Fisher information of a model in a domain. */
export interface FisherInformation {
  /** By the path of each parameter that learns, of its shape; not below 0. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** Rows that it was estimated from. */
  readonly rows: number;
  /** Mean loss of these rows. */
  readonly loss: number;
  /** Frees the tensors. */
  dispose(): void;
}
