export * from './architectures/index';
export * from './backend/index';
export * from './compile/index';
export * from './generation/index';
export * from './model/index';
export * from './nn/index';
export * from './random/index';
export * from './weights/index';
