/** The sizes of the first model: small enough for two cores and a coffee, large enough to learn something visible. */
export const quickstartSetting = {
  vocabSize: 512,
  hiddenSize: 192,
  numHiddenLayers: 4,
  numAttentionHeads: 6,
  contextLength: 128,
  batchSize: 8,
  microBatchSize: 4,
  steps: 800,
  learningRate: 2e-3,
  minimumLearningRate: 1.5e-4,
  warmupSteps: 40,
  evaluateEvery: 100,
  stories: 6000,
} as const;
