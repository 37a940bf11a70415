export { constant } from './constant';
export type { ConstantOptions } from './constant';
export { cosine } from './cosine';
export type { CosineOptions } from './cosine';
export { linearDecay } from './linear';
export type { LinearDecayOptions } from './linear';
export type { Schedule } from './schedule';
