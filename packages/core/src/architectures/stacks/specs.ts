import type { Initialization, ParameterSpec } from '../../model/types';

const zeros: Initialization = { kind: 'zeros' };
const ones: Initialization = { kind: 'ones' };

/** Normally distributed around 0. */
export const normalInitialization = (standardDeviation: number): Initialization => ({
  kind: 'normal',
  standardDeviation,
});

/** `<path>.weight`, a matrix or table. */
export function matrixSpec(
  path: string,
  name: string,
  shape: readonly number[],
  initialization: Initialization,
): ParameterSpec {
  return { path: `${path}.weight`, checkpointName: `${name}.weight`, shape, initialization, decay: true };
}

/** `<path>.bias`, a vector that starts at zero. */
export function biasSpec(path: string, name: string, size: number): ParameterSpec {
  return {
    path: `${path}.bias`,
    checkpointName: `${name}.bias`,
    shape: [size],
    initialization: zeros,
    decay: false,
  };
}

/** A matrix [out, in] with its bias [out]. */
export function projectionSpecs(
  path: string,
  name: string,
  shape: readonly [number, number],
  initialization: Initialization,
): ParameterSpec[] {
  return [matrixSpec(path, name, shape, initialization), biasSpec(path, name, shape[0])];
}

/** `<path>.weight` of a root-mean-square norm; it starts at one. */
export function scaleSpec(path: string, name: string, size: number, initialization = ones): ParameterSpec {
  return { path: `${path}.weight`, checkpointName: `${name}.weight`, shape: [size], initialization, decay: false };
}

/** Weight and bias of a layer norm. */
export function layerNormSpecs(path: string, name: string, size: number): ParameterSpec[] {
  return [scaleSpec(path, name, size), biasSpec(path, name, size)];
}
