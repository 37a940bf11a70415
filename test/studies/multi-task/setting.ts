/** One setting for every run of the study. */
export const setting = {
  seed: 1,
  /** Rows of a task in each step, in every run: with others or alone. */
  rowsOfTask: 8,
  steps: 300,
  learningRate: 1e-3,
  /** Share of each task's rows to test on; and rows to test on, and to learn from, at most. */
  testedShare: 0.35,
  tested: 1000,
  learned: 1000,
  vocabSize: 2500,
  width: 64,
  layers: 2,
  heads: 4,
  longest: 40,
  /** Steps of each run of the transfer matrix, which needs ten. */
  transferSteps: 150,
} as const;
