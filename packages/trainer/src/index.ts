export * from './optimizers/index';
export * from './schedules/index';
