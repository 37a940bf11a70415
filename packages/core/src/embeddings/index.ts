export { embedTexts } from './embedTexts';
export type { EmbedTextsOptions } from './embedTexts';
export { poolHiddenStates } from './poolHiddenStates';
export type { TextPooling } from './poolHiddenStates';
