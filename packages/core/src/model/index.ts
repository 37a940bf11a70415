export type * from './types';
export { cacheShapeOf } from './cacheShape';
export { createCapture, observe } from './capture';
export type { Capture, CaptureOptions } from './capture';
export { cloneModel, countParameters, createModel, disposeModel, modelBytes } from './createModel';
export type { CreateModelOptions } from './createModel';
export { flattenParams, isWeight, mapParams, paramTensors, unflattenParams } from './params';
export { isWeightForm, weightOperations, weightSymbol } from './weight';
export type { LinearLayout, LinearOptions, Weight, WeightForm, WeightOperations } from './weight';
