export { completion } from './completion';
export type { CompletionOptions, PromptCompletion } from './completion';
export { maskedLanguageModeling } from './masked-language-modeling';
export type { MaskedLanguageModelingOptions } from './masked-language-modeling';
export type {
  ModelRun,
  Objective,
  ObjectiveBatch,
  ObjectiveSettings,
  OutputObjective,
  PreparedData,
  RunningObjective,
  RunOptions,
} from './objective';
export { objectivePlugins } from './plugins';
export { sequenceClassification } from './sequence-classification';
export type { ClassifiedText, SequenceClassificationOptions } from './sequence-classification';
export { sequenceToSequence } from './sequence-to-sequence';
export type { SequencePair, SequenceToSequenceOptions } from './sequence-to-sequence';
