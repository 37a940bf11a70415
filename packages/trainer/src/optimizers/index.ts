export { adam } from './adam';
export type { AdamOptions } from './adam';
export { adamw } from './adamw';
export type { AdamWOptions } from './adamw';
export { clipByGlobalNorm, globalNorm } from './clip-gradients';
export type { Hyperparameter, Optimizer, OptimizerContext, OptimizerState, OptimizerUpdate } from './optimizer';
export { sgd } from './sgd';
export type { SgdOptions } from './sgd';
