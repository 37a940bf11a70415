import { ewc } from './ewc';
import { l2sp } from './l2sp';

/** Every regularizer of this package for a registry: `createRegistry(regularizerPlugins)`. */
export const regularizerPlugins = [ewc, l2sp] as const;
