export { isLowRank, lowRank, lowRankOperations, outputLengths } from './lowRank';
export type { LowRank, LowRankOptions } from './lowRank';
export { isScaled, scaled, scaledOperations } from './scaled';
export type { Scaled, ScaledOptions } from './scaled';
export { isPromptTable, promptTable, promptTableOperations } from './promptTable';
export type { PromptTable } from './promptTable';
