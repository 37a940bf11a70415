import { tesseraeError } from '@tesserae/registry';
import type { ArchitectureConfig } from '../model/types';
import { noRepeatNgramProcessor } from './processors/no-repeat-ngram';
import { checkCount, refuseOption } from './processors/processor';
import type { LogitsProcessor } from './processors/processor';
import { repetitionPenaltyProcessor } from './processors/repetition-penalty';
import { temperatureProcessor } from './processors/temperature';
import { topKProcessor } from './processors/top-k';
import { topPProcessor } from './processors/top-p';

/** How tokens are chosen and when to stop. */
export interface GenerateOptions {
  /** At most so many new tokens a row; when absent 128, or fewer where the context ends before. */
  readonly maxNewTokens?: number | undefined;
  /**
   * Divides the logits. Sampling is on when this is above 0, or when `topK` or `topP` is given; otherwise, and at 0, the
   * most likely token is taken each time (greedy).
   */
  readonly temperature?: number | undefined;
  /** Sample among the k most likely tokens. */
  readonly topK?: number | undefined;
  /** Sample among the most likely tokens that together have this probability. */
  readonly topP?: number | undefined;
  /** Above 1 makes tokens that stand in the text already less likely; greedy generation uses it too. */
  readonly repetitionPenalty?: number | undefined;
  /** No sequence of so many tokens comes up twice; greedy generation uses it too. */
  readonly noRepeatNgramSize?: number | undefined;
  /** More processors, run on each row's logits after those above. */
  readonly processors?: readonly LogitsProcessor[] | undefined;
  /** Same model, prompt, options and seed: same tokens. 0 when absent. */
  readonly seed?: number | undefined;
  /** A row ends before any of these texts; needs a tokenizer. */
  readonly stop?: string | readonly string[] | undefined;
  /** A row ends with any of these tokens; the config's `eosTokenId` when absent, none when empty. */
  readonly stopTokens?: readonly number[] | undefined;
  /** Give each token's raw logits, before any processor. */
  readonly logits?: boolean | undefined;
  /** Cancels; the iterator then throws E_ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** Options checked and completed. */
export interface GenerationPlan {
  readonly maxNewTokens: number | undefined;
  readonly processors: readonly LogitsProcessor[];
  readonly sampling: boolean;
  readonly seed: number;
  readonly stops: readonly string[];
  readonly stopTokens: ReadonlySet<number>;
  readonly logits: boolean;
  readonly signal: AbortSignal | undefined;
}

const known: readonly string[] = [
  'maxNewTokens',
  'temperature',
  'topK',
  'topP',
  'repetitionPenalty',
  'noRepeatNgramSize',
  'processors',
  'seed',
  'stop',
  'stopTokens',
  'logits',
  'signal',
] satisfies (keyof GenerateOptions)[];

function checkNames(options: GenerateOptions): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw tesseraeError({
    package: 'core',
    code: 'E_UNKNOWN_OPTION',
    message: `generate has no option ${JSON.stringify(unknown)}`,
    fix: `use one of ${known.join(', ')}`,
  });
}

/** Every processor that the options ask for, in the order in which transformers runs them. */
function processorsOf(options: GenerateOptions, sampling: boolean): LogitsProcessor[] {
  const processors: LogitsProcessor[] = [];
  const { repetitionPenalty, noRepeatNgramSize, temperature, topK, topP } = options;
  if (repetitionPenalty !== undefined) processors.push(repetitionPenaltyProcessor(repetitionPenalty));
  if (noRepeatNgramSize !== undefined) processors.push(noRepeatNgramProcessor(noRepeatNgramSize));
  if (sampling && temperature !== undefined) processors.push(temperatureProcessor(temperature));
  if (topK !== undefined) processors.push(topKProcessor(topK));
  if (topP !== undefined) processors.push(topPProcessor(topP));
  for (const processor of options.processors ?? []) {
    if (typeof processor !== 'function') refuseOption('processors', processor, 'functions of the logits');
    processors.push(processor);
  }
  return processors;
}

function stopsOf(stop: GenerateOptions['stop']): string[] {
  const stops = typeof stop === 'string' ? [stop] : [...(stop ?? [])];
  for (const text of stops) {
    if (typeof text !== 'string' || text === '') refuseOption('stop', JSON.stringify(text), 'texts that are not empty');
  }
  return stops;
}

function stopTokensOf(options: GenerateOptions, config: ArchitectureConfig): Set<number> {
  const eos = config.eosTokenId ?? [];
  const ids = options.stopTokens ?? (typeof eos === 'number' ? [eos] : eos);
  for (const id of ids) {
    if (!Number.isInteger(id)) refuseOption('stopTokens', id, 'token ids');
  }
  return new Set(ids);
}

/** Checks the options and completes them from the model's config. */
export function planGeneration(options: GenerateOptions, config: ArchitectureConfig): GenerationPlan {
  checkNames(options);
  const { temperature, seed = 0 } = options;
  if (temperature !== undefined && !(temperature >= 0 && Number.isFinite(temperature))) {
    refuseOption('temperature', temperature, 'a number from 0 up');
  }
  const random = temperature !== undefined || options.topK !== undefined || options.topP !== undefined;
  const sampling = random && temperature !== 0;
  return {
    maxNewTokens: options.maxNewTokens === undefined ? undefined : checkCount('maxNewTokens', options.maxNewTokens, 1),
    processors: processorsOf(options, sampling),
    sampling,
    seed: checkCount('seed', seed, 0),
    stops: stopsOf(options.stop),
    stopTokens: stopTokensOf(options, config),
    logits: options.logits ?? false,
    signal: options.signal,
  };
}
