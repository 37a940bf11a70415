import { causalLanguageModeling } from './causal-language-modeling';
import { completion } from './completion';
import { contrastive } from './contrastive';
import { instructionTuning } from './instruction-tuning';
import { maskedLanguageModeling } from './masked-language-modeling';
import { preference } from './preference';
import { questionAnswering } from './question-answering';
import { regression } from './regression';
import { sequenceClassification } from './sequence-classification';
import { sequenceToSequence } from './sequence-to-sequence';
import { spanCorruption } from './span-corruption';
import { tokenLabeling } from './token-labeling';

/** Every objective of this package, for a registry: `createRegistry(objectivePlugins)`. */
export const objectivePlugins = [
  causalLanguageModeling,
  completion,
  contrastive,
  instructionTuning,
  maskedLanguageModeling,
  preference,
  questionAnswering,
  regression,
  sequenceClassification,
  sequenceToSequence,
  spanCorruption,
  tokenLabeling,
] as const;
