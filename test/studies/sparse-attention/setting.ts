/** What is timed: one attention of two heads of 64, in one text of these lengths. */
export const timing = {
  heads: 2,
  features: 64,
  lengths: [1024, 2048, 4096, 8192, 16384],
  /** Dense attention in standard operators makes the square of scores: 4 GiB a copy at twice this length. */
  longestSquare: 4096,
  window: 256,
  /** Times are medians of so many rounds over all lengths: fewer, but not fewer than the least, where they take long. */
  rounds: 9,
  leastRounds: 3,
  secondsEach: 12,
} as const;

/** What is trained: a small Llama on the characters of tiny Shakespeare, at a short length. */
export const quality = {
  layers: 3,
  heads: 3,
  width: 96,
  feedForward: 256,
  context: 256,
  batch: 8,
  steps: 350,
  learningRate: 3e-3,
  minimumLearningRate: 3e-4,
  warmupSteps: 50,
  window: 64,
  sinks: 4,
  /** The same tokens of the validation text are read in pieces of these lengths. */
  lengths: [256, 1024, 4096, 16384],
  seed: 1337,
} as const;
