import type { Precision } from '@tesserae/core';

/** How the scale of a loss follows what happens. */
export interface LossScaling {
  /** The scale to begin with. */
  readonly initialScale: number;
  /** Steps without an overflow after which the scale grows. */
  readonly growthInterval: number;
  readonly growthFactor: number;
  /** What the scale is multiplied with after an overflow. */
  readonly backoffFactor: number;
}

/** In what numbers a model is trained. Weights, their gradients' sums and the optimizer are float32 in all. */
export interface PrecisionPolicy {
  readonly name: string;
  /** What it was made from: reported, and compared with the one in a checkpoint. */
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /** What numbers products have, see `withPrecision`. */
  readonly products: Precision;
  /** Scales the loss, so that small gradients are not lost; the loss is left as it is when absent. */
  readonly lossScaling?: LossScaling | undefined;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** In what numbers a model is trained. */
    precision: PrecisionPolicy;
  }
}
