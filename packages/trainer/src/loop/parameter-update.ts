import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { clipScale, clipValues, globalNorm, scaleGradients } from '../optimizers/clip-gradients';
import type { Optimizer, OptimizerState } from '../optimizers/index';
import { METHOD_SLOT } from './differentiate';
import { measure } from './statistics';

/** How gradients become an update. */
export interface UpdateSettings {
  readonly optimizer: Optimizer;
  /** Largest norm of all gradients together; no limit when absent. */
  readonly gradientClipNorm: number | undefined;
  /** Every element is brought into ±this before norms are taken; no limit when absent. */
  readonly gradientClipValue: number | undefined;
  /** Whether weight decay is for each parameter. */
  readonly decay: readonly boolean[];
  /** Paths of the parameters. */
  readonly names: readonly string[];
}

/** What one update is made from. */
export interface UpdateInputs {
  readonly parameters: readonly Tensor[];
  /** Of the optimizer; that of a gradient method beside it is left out. */
  readonly state: OptimizerState;
  readonly gradients: readonly Tensor[];
  readonly learningRate: Scalar; // []
  readonly step: Scalar; // []
  /** [] What gradients are multiplied with first, where those of a scaled loss were made. */
  readonly unscale?: Scalar | undefined;
  /** Whether gradients and weights are measured with it. */
  readonly measured: boolean;
}

/** What comes out of it. */
export interface Updated {
  readonly parameters: Tensor[];
  readonly state: OptimizerState;
  /** [] Norm of all gradients together, before clipping. */
  readonly norm: Scalar;
  /** One tensor of measurements, or none. */
  readonly statistics: Tensor[];
}

/** Clipping and optimizer, as a part of a compiled step. */
export const parameterUpdate =
  ({
    optimizer,
    gradientClipNorm,
    gradientClipValue,
    decay,
    names,
  }: UpdateSettings): ((inputs: UpdateInputs) => Updated) =>
  ({ parameters, state: whole, gradients: raw, learningRate, step, unscale, measured }) => {
    const { [METHOD_SLOT]: _method, ...state } = whole;
    const own = scaleGradients(raw, unscale);
    const gradients = clipValues(own, gradientClipValue);
    const norm = globalNorm(gradients); // []
    const scale = gradientClipNorm === undefined ? undefined : clipScale(norm, gradientClipNorm); // []
    const context = { learningRate, step, decay, names };
    const next =
      optimizer.scalesGradients === true
        ? optimizer.update(gradients, state, parameters, { ...context, gradientScale: scale })
        : optimizer.update(scaleGradients(gradients, scale), state, parameters, context);
    return { ...next, norm, statistics: measured ? [measure(own, parameters, next.parameters)] : [] };
  };
