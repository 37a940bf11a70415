export { checkpointPath, listCheckpoints, prepareFolder, pruneCheckpoints, readNewest } from './checkpoint-folder';
export type { FoundCheckpoint } from './checkpoint-folder';
export type { Plain, RunIdentity, TrainerState } from './format';
export { compareIdentity, modelIdentity } from './identity';
export { readCheckpoint } from './read-checkpoint';
export type { LoadedCheckpoint } from './read-checkpoint';
export { writeCheckpoint } from './write-checkpoint';
export type { CheckpointContent } from './write-checkpoint';
