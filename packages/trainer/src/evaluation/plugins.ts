import { answerExtraction } from './tasks/answer-extraction';
import { classification } from './tasks/classification';
import { maskedPrediction } from './tasks/masked-prediction';
import { multipleChoice } from './tasks/multiple-choice';
import { perplexity } from './tasks/perplexity';
import { preferenceAccuracy } from './tasks/preference-accuracy';
import { retrieval } from './tasks/retrieval';
import { textGeneration } from './tasks/text-generation';
import { tokenClassification } from './tasks/token-classification';

/** Every evaluation task of this package, for a registry: `createRegistry(evaluationPlugins)`. */
export const evaluationPlugins = [
  answerExtraction,
  classification,
  maskedPrediction,
  multipleChoice,
  perplexity,
  preferenceAccuracy,
  retrieval,
  textGeneration,
  tokenClassification,
] as const;
