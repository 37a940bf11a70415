export { bfloat16 } from './bfloat16';
export { float16 } from './float16';
export type { Float16Options } from './float16';
export { float8 } from './float8';
export { mixedPrecision } from './mixed-precision';
export type { MixedPrecisionOptions, PrecisionOption } from './mixed-precision';
export { precisionPlugins } from './plugins';
export type { LossScaling, PrecisionPolicy } from './policy';
