export * from './compile/index';
export * from './model/index';
export * from './weights/index';
export * from './backend/index';
export * from './generation/index';
