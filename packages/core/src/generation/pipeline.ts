import type { GenerateOptions } from './options';
import { badWordsProcessor } from './processors/bad-words';
import { encoderNoRepeatNgramProcessor } from './processors/encoder-no-repeat-ngram';
import { encoderRepetitionPenaltyProcessor } from './processors/encoder-repetition-penalty';
import { epsilonProcessor } from './processors/epsilon';
import { etaProcessor } from './processors/eta';
import { exponentialDecayLengthProcessor } from './processors/exponential-decay-length';
import { forcedBosProcessor, forcedEosProcessor } from './processors/forced-tokens';
import { frequencyPenaltyProcessor } from './processors/frequency-penalty';
import { minLengthProcessor, minNewTokensProcessor } from './processors/min-length';
import { minPProcessor } from './processors/min-p';
import { noRepeatNgramProcessor } from './processors/no-repeat-ngram';
import { normalizeProcessor, removeInvalidProcessor } from './processors/normalize';
import { presencePenaltyProcessor } from './processors/presence-penalty';
import { refuseOption } from './processors/processor';
import type { LogitsProcessor } from './processors/processor';
import { repetitionPenaltyProcessor } from './processors/repetition-penalty';
import { logitBiasProcessor, sequenceBiasProcessor } from './processors/sequence-bias';
import { beginSuppressTokensProcessor, suppressTokensProcessor } from './processors/suppress-tokens';
import { temperatureProcessor } from './processors/temperature';
import { topKProcessor } from './processors/top-k';
import { topPProcessor } from './processors/top-p';
import { typicalProcessor } from './processors/typical';

/** What the processors must know besides the options. */
export interface PipelineSetting {
  readonly sampling: boolean;
  readonly stopTokens: readonly number[];
  readonly maxNewTokens: number;
  /** Tokens that every filter must leave: one, or with beams one that goes on besides each stop token. */
  readonly minTokensToKeep: number;
}

/** Makes a processor where an option is given. */
const when = <T>(value: T | null | undefined, make: (value: T) => LogitsProcessor): LogitsProcessor[] =>
  value === undefined || value === null ? [] : [make(value)];

/** Above 0, for options whose 0 means that they are off. */
const positive = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

/** Penalties, removals and what is forced. */
function constraints(options: GenerateOptions, { stopTokens, maxNewTokens }: PipelineSetting): LogitsProcessor[] {
  const { exponentialDecayLengthPenalty: decay } = options;
  const begin = typeof options.forcedBosTokenId === 'number' ? 1 : 0;
  return [
    ...when(options.sequenceBias, (biases) => sequenceBiasProcessor(biases)),
    ...when(options.logitBias, logitBiasProcessor),
    ...when(options.encoderRepetitionPenalty, encoderRepetitionPenaltyProcessor),
    ...when(options.repetitionPenalty, repetitionPenaltyProcessor),
    ...when(options.presencePenalty, presencePenaltyProcessor),
    ...when(options.frequencyPenalty, frequencyPenaltyProcessor),
    ...when(positive(options.noRepeatNgramSize), noRepeatNgramProcessor),
    ...when(positive(options.encoderNoRepeatNgramSize), encoderNoRepeatNgramProcessor),
    ...when(options.badWords, (sequences) => badWordsProcessor(sequences, stopTokens)),
    ...when(options.minLength, (length) => minLengthProcessor(length, stopTokens)),
    ...when(options.minNewTokens, (count) => minNewTokensProcessor(count, stopTokens)),
    ...when(options.forcedBosTokenId, forcedBosProcessor),
    ...when(options.forcedEosTokenId, (id) => forcedEosProcessor(maxNewTokens, id)),
    ...(options.removeInvalidValues ? [removeInvalidProcessor()] : []),
    ...when(decay, ([start, factor]) => exponentialDecayLengthProcessor(start, factor, stopTokens)),
    ...when(options.suppressTokens, suppressTokensProcessor),
    ...when(options.beginSuppressTokens, (ids) => beginSuppressTokensProcessor(ids, begin)),
  ];
}

/** Temperature and the filters after it. */
function filters(options: GenerateOptions, { minTokensToKeep }: PipelineSetting): LogitsProcessor[] {
  const keep = { minTokensToKeep };
  return [
    ...when(positive(options.temperature), temperatureProcessor),
    ...when(positive(options.topK), (k) => topKProcessor(k, keep)),
    ...when(options.topP, (p) => topPProcessor(p, keep)),
    ...when(options.minP, (p) => minPProcessor(p, keep)),
    ...when(options.typicalP === 1 ? undefined : options.typicalP, (p) => typicalProcessor(p, keep)),
    ...when(positive(options.epsilonCutoff), (epsilon) => epsilonProcessor(epsilon, keep)),
    ...when(positive(options.etaCutoff), (epsilon) => etaProcessor(epsilon, keep)),
  ];
}

/** Every processor that the options ask for, in the order in which `generate` of transformers runs them. */
export function createPipeline(options: GenerateOptions, setting: PipelineSetting): LogitsProcessor[] {
  const given = options.processors ?? [];
  const wrong = given.find((processor) => typeof processor !== 'function');
  if (wrong !== undefined) refuseOption('processors', wrong, 'functions of the logits');
  const wanted = filters(options, setting); // checked also where sampling is off
  return [
    ...constraints(options, setting),
    ...given,
    ...(setting.sampling ? wanted : []),
    ...(options.renormalizeLogits ? [normalizeProcessor()] : []),
  ];
}
