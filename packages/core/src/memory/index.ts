export { chunkedCrossEntropy } from './chunkedCrossEntropy';
export type { ChunkedCrossEntropyOptions } from './chunkedCrossEntropy';
export { recompute } from './recompute';
export type { Recompute, RecomputedPart, Replay } from './replay';
