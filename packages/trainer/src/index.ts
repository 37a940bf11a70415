export * from './augmentation/index';
export { listCheckpoints } from './checkpoints/index';
export type { FoundCheckpoint } from './checkpoints/index';
export * from './data/index';
export * from './evaluation/index';
export * from './loop/index';
export * from './objectives/index';
export * from './optimizers/index';
export * from './schedules/index';
