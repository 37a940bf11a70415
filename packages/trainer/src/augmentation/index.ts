export { augment, augmentStream } from './augment';
export type { AugmentationCounts, AugmentedExamples, AugmentedStream, AugmentOptions } from './augment';
export { classifierOf, reportAugmentation } from './augmentation-report';
export type {
  AugmentationReport,
  AugmentationReportOptions,
  AugmenterReport,
  LabelPreservation,
  TextClassifier,
} from './augmentation-report';
export type { Augmenter, EditOptions, InsideSpans, LabelledSpan, TextExample } from './augmenter';
export { characterDeletion } from './character-deletion';
export { characterInsertion } from './character-insertion';
export { characterSwap } from './character-swap';
export { keyboardSlips } from './keyboard-slips';
export { misspellings } from './misspellings';
export { augmenterPlugins } from './plugins';
export { wordDeletion } from './word-deletion';
export { wordMasking } from './word-masking';
export type { WordMaskingOptions } from './word-masking';
export { wordSwap } from './word-swap';
export { clauseOrder } from './clause-order';
export { clefting } from './clefting';
export { contractionExpansion } from './contraction-expansion';
export { roundTrip } from './round-trip';
export { synonymInsertion } from './synonym-insertion';
export { synonymReplacement } from './synonym-replacement';
export { voiceChange } from './voice-change';
export type { CompromiseLibrary } from './parse';
export type { RewriteOptions } from './rewriter';
export type { RoundTripOptions, TextModel } from './round-trip';
export type { SynonymOptions } from './synonym-augmenter';
export { loadWordNet } from './wordnet';
export type { Lexicon, PartOfSpeech } from './wordnet';
