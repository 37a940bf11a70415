/** One setting for every run of the study. */
export const setting = {
  seed: 1,
  texts: ['tinyshakespeare', 'federalist_papers', 'python_peps'],
  /** Characters of each text from which the tokenizer is trained: one tokenizer for all, as a base model has. */
  tokenizerCharacters: 300_000,
  vocabSize: 768,
  width: 64,
  layers: 2,
  heads: 4,
  context: 64,
  /** Steps on the first domain. */
  pretrainingSteps: 700,
  /** Steps on each later domain, the same for every model. */
  steps: 400,
  /** Rows of the new domain in every step, the same for every model: rows of replay come on top. */
  newRows: 12,
  /** Four old rows to twelve new ones. */
  replayShare: 0.25,
  /** From nothing, and in the first domain. */
  learningRate: 3e-3,
  /** Going on from a trained model. */
  adaptingRate: 1e-3,
  fisherRows: 200,
  ewcStrength: 1,
  l2spStrength: 0.01,
  /** Tokens of each domain's held-out tenth that are scored. */
  heldOut: 12_000,
} as const;
