/** One setting for every run of the study: with and without augmentation differ in the rows alone. */
export const setting = {
  /** Three draws of the tenth that is learned from, each with a model and copies of its own. */
  seeds: [1, 2, 3],
  /** Share of each data set that is learned from. */
  share: 0.1,
  /** Texts to test on, of those that were not learned from. */
  tested: 1500,
  /** More than the texts have, so that every word of theirs is a token, as nearly every word is for a tokenizer of real size. */
  vocabSize: 8000,
  minFrequency: 1,
  width: 64,
  layers: 2,
  heads: 4,
  /** Tokens of a text at most. */
  longest: 48,
  steps: 500,
  batch: 32,
  learningRate: 1e-3,
  /** Copies of each text with other words, and copies with typos of the text and of each of those: 31 in all. */
  copies: { words: 7, typos: 3 },
  /** Share of the letters, and of the words, that a copy has changed. */
  letterRate: 0.15,
  wordRate: 0.2,
  /** Share of the letters of a test text with typos that are wrong. */
  testedRate: 0.2,
  testedSeed: 999,
} as const;
