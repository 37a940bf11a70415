export { constant } from './constant';
export type { ConstantOptions } from './constant';
export { cosine } from './cosine';
export type { CosineOptions } from './cosine';
export { linear } from './linear';
export type { LinearOptions } from './linear';
export type { Schedule } from './schedule';
