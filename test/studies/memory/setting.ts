/** Everything kept, or layers run again and the loss in chunks. */
export type Way = 'plain' | 'lean';

/** One model and batch for both. */
export const setting = {
  contextLength: 1024,
  batchSize: 4,
  /** Timed steps of a process, after one that is not. */
  steps: 2,
  /** Processes of each way, taking turns. */
  rounds: 2,
  form: {
    vocabSize: 8192,
    hiddenSize: 256,
    intermediateSize: 768,
    numHiddenLayers: 6,
    numAttentionHeads: 4,
    maxPositionEmbeddings: 1024,
  },
} as const;
