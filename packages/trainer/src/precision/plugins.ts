import { bfloat16 } from './bfloat16';
import { float16 } from './float16';
import { float8 } from './float8';

/** Every precision of this package, for a registry: `createRegistry(precisionPlugins)`. */
export const precisionPlugins = [bfloat16, float16, float8] as const;
