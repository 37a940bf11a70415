import type { Initialization, ParameterSpec } from '../../model/types';

/** Makes the specs of an architecture's parameters; a name is the checkpoint's, without `.weight`. */
export interface SpecMaker {
  /** `path.weight` with decay; normal of the config's range unless told otherwise. */
  matrix(path: string, name: string, shape: readonly number[], initialization?: Initialization): ParameterSpec;
  /** `path.weight` without decay: ones, or zeros where the stored weight stands for 1 + weight. */
  norm(path: string, name: string, width: number, initialization?: 'ones' | 'zeros'): ParameterSpec;
  /** `path.bias`, zeros. */
  bias(path: string, name: string, width: number): ParameterSpec;
  /** A matrix [out, in], and a bias [out] if there is one. */
  projection(path: string, name: string, shape: readonly [number, number], bias: boolean): ParameterSpec[];
  /** The weight and bias of a layer norm. */
  layerNorm(path: string, name: string, width: number): ParameterSpec[];
}

/**
 * Makes parameter specs with one initialization for all matrices.
 *
 * @param initializerRange the standard deviation of fresh matrices
 * @returns functions that make one spec, or a few, each
 * @example
 * ```ts
 * import { parameterSpecs } from '@tesserae/core';
 *
 * const [weight, bias] = parameterSpecs(0.02).projection('layers.0.up', 'h.0.fc_in', [8, 4], true);
 * console.log(weight.path, bias.checkpointName); // → layers.0.up.weight h.0.fc_in.bias
 * ```
 */
export function parameterSpecs(initializerRange: number): SpecMaker {
  const normal: Initialization = { kind: 'normal', standardDeviation: initializerRange };
  const matrix: SpecMaker['matrix'] = (path, name, shape, initialization = normal) => ({
    path: `${path}.weight`,
    checkpointName: `${name}.weight`,
    shape,
    initialization,
    decay: true,
  });
  const vector = (path: string, checkpointName: string, width: number, kind: 'ones' | 'zeros'): ParameterSpec => ({
    path,
    checkpointName,
    shape: [width],
    initialization: { kind },
    decay: false,
  });
  const norm: SpecMaker['norm'] = (path, name, width, initialization = 'ones') =>
    vector(`${path}.weight`, `${name}.weight`, width, initialization);
  const bias: SpecMaker['bias'] = (path, name, width) => vector(`${path}.bias`, `${name}.bias`, width, 'zeros');
  return {
    matrix,
    norm,
    bias,
    projection: (path, name, shape, hasBias) => [
      matrix(path, name, shape),
      ...(hasBias ? [bias(path, name, shape[0])] : []),
    ],
    layerNorm: (path, name, width) => [norm(path, name, width), bias(path, name, width)],
  };
}
