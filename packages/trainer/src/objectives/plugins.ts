import { completion } from './completion';
import { maskedLanguageModeling } from './masked-language-modeling';
import { sequenceClassification } from './sequence-classification';
import { sequenceToSequence } from './sequence-to-sequence';

/** Every objective of this package, for a registry: `createRegistry(objectivePlugins)`. */
export const objectivePlugins = [
  completion,
  maskedLanguageModeling,
  sequenceClassification,
  sequenceToSequence,
] as const;
