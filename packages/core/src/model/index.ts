export type * from './types';
export * from './weight';
export * from './capture';
export * from './params';
