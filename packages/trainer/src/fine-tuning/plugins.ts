import { ia3 } from './ia3';
import { lora } from './lora';
import { promptTuning } from './prompt-tuning';

/** Every way of adapting of this package, for a registry: `createRegistry(adapterPlugins)`. */
export const adapterPlugins = [ia3, lora, promptTuning] as const;
