export { embedTexts } from './embedTexts';
export { poolHiddenStates } from './poolHiddenStates';
export type { EmbeddingOptions, EmbedTextsOptions, Pooling } from './options';
