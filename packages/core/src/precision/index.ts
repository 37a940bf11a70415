export type { RoundedType } from './numberTypes';
export { withPrecision } from './precision';
export type { Precision } from './precision';
export { roundTo, roundToOp } from './roundTo';
export type { RoundToAttributes, RoundToOptions } from './roundTo';
