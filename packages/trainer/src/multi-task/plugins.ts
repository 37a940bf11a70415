import { multiTask } from './multi-task';
import { progressSampling, sizeSampling, temperatureSampling } from './task-sampling';

/** Learning of several tasks, for a registry: `createRegistry(multiTaskPlugins)`. */
export const multiTaskPlugins = [multiTask, progressSampling, sizeSampling, temperatureSampling] as const;
