export * from './weights/index';
