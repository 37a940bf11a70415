export { causalLanguageModeling } from './causal-language-modeling';
export type { CausalLanguageModelingOptions } from './causal-language-modeling';
export { completion } from './completion';
export type { CompletionOptions, PromptCompletion } from './completion';
export { contrastive } from './contrastive';
export type { ContrastiveOptions, TextPair } from './contrastive';
export { instructionTuning } from './instruction-tuning';
export type { Conversation, InstructionTuningOptions } from './instruction-tuning';
export { balancedClassWeights } from './losses/class-weights';
export { contrastiveLoss } from './losses/contrastive-loss';
export type { ContrastiveContext, ContrastiveLossOptions } from './losses/contrastive-loss';
export { focalLoss } from './losses/focal-loss';
export type { FocalLossOptions } from './losses/focal-loss';
export { multiLabelLoss } from './losses/multi-label-loss';
export type { MultiLabelLossOptions } from './losses/multi-label-loss';
export { preferenceLoss } from './losses/preference-loss';
export type { PairLogProbabilities, PreferenceLossOptions } from './losses/preference-loss';
export { regressionLoss } from './losses/regression-loss';
export type { RegressionLossOptions } from './losses/regression-loss';
export { symmetricDivergence } from './losses/symmetric-divergence';
export { maskedLanguageModeling } from './masked-language-modeling';
export type { MaskedLanguageModelingOptions } from './masked-language-modeling';
export { mixup } from './mixup';
export type { MixupOptions } from './mixup';
export type {
  ModelRun,
  Objective,
  ObjectiveBase,
  ObjectiveBatch,
  ObjectiveSettings,
  OutputObjective,
  PackableSequence,
  PreparedData,
  RunningObjective,
  RunOptions,
} from './objective';
export { objectivePlugins } from './plugins';
export { preference } from './preference';
export type { PreferenceOptions } from './preference';
export type { PreferencePair } from './preference-rows';
export { questionAnswering } from './question-answering';
export type { AnsweredQuestion, QuestionAnsweringOptions } from './question-answering';
export { rDrop } from './r-drop';
export type { RDropOptions } from './r-drop';
export { regression } from './regression';
export type { RegressionOptions, ScoredText } from './regression';
export { sequenceClassification } from './sequence-classification';
export type { ClassifiedText, SequenceClassificationOptions } from './sequence-classification';
export { sequenceToSequence } from './sequence-to-sequence';
export type { SequencePair, SequenceToSequenceOptions } from './sequence-to-sequence';
export { spanCorruption } from './span-corruption';
export type { SpanCorruptionOptions } from './span-corruption';
export { tokenLabeling } from './token-labeling';
export type { LabelledTokens, TokenLabelingOptions } from './token-labeling';
