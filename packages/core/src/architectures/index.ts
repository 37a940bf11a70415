export { gpt2 } from './gpt2';
export type { Gpt2Config } from './gpt2Config';
export { hiddenStateNames } from './hiddenStates';
export { llama } from './llama';
export type { LlamaConfig } from './llamaConfig';
export type { RopeScaling } from './ropeScaling';
