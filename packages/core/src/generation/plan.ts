import { tesseraeError } from '@tesserae/registry';
import type { ArchitectureConfig } from '../model/types';
import { optionNames } from './options';
import type { GenerateOptions } from './options';
import { checkCount, checkIds, refuseOption } from './processors/processor';

/** Options checked and completed. */
export interface GenerationPlan {
  readonly options: GenerateOptions;
  readonly sampling: boolean;
  readonly seed: number | readonly number[];
  readonly stops: readonly string[];
  readonly stopTokens: ReadonlySet<number>;
  readonly numBeams: number;
  readonly numReturnSequences: number;
  readonly logprobs: number | undefined;
  readonly logits: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Options of which any turns sampling on. */
const samplers = ['temperature', 'topK', 'topP', 'minP', 'typicalP', 'epsilonCutoff', 'etaCutoff'] as const;

function checkNames(options: GenerateOptions): void {
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name));
  if (unknown === undefined) return;
  throw tesseraeError({
    package: 'core',
    code: 'E_UNKNOWN_OPTION',
    message: `generate has no option ${JSON.stringify(unknown)}`,
    fix: `use one of ${optionNames.join(', ')}`,
  });
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
  return new Set(checkIds('stopTokens', options.stopTokens ?? (typeof eos === 'number' ? [eos] : eos)));
}

function samplingOf(options: GenerateOptions): boolean {
  const { temperature, doSample } = options;
  if (temperature !== undefined && !(temperature >= 0 && Number.isFinite(temperature))) {
    refuseOption('temperature', temperature, 'a number from 0 up');
  }
  if (temperature === 0) return false;
  return doSample ?? samplers.some((name) => options[name] !== undefined);
}

function seedOf(seed: GenerateOptions['seed']): number | readonly number[] {
  if (!Array.isArray(seed)) return checkCount('seed', seed ?? 0, 0);
  return seed.map((one) => checkCount('seed', one, 0));
}

/**
 * The options of a call, completed by a model's own. Where the call gives a number for sampling, it decides whether there
 * is sampling, not the model's `doSample`.
 */
export function withDefaults(options: GenerateOptions, defaults: GenerateOptions | undefined): GenerateOptions {
  if (!defaults) return options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const { doSample, ...rest } = defaults;
  const decided = samplers.some((name) => name in given);
  return { ...rest, ...(!decided && doSample !== undefined && { doSample }), ...given };
}

/** Checks the options and completes them from the model's config. */
export function planGeneration(options: GenerateOptions, config: ArchitectureConfig): GenerationPlan {
  checkNames(options);
  const { maxNewTokens, maxLength, numReturnSequences = 1, logprobs } = options;
  if (maxNewTokens !== undefined) checkCount('maxNewTokens', maxNewTokens, 1);
  if (maxLength !== undefined) checkCount('maxLength', maxLength, 1);
  return {
    options,
    sampling: samplingOf(options),
    seed: seedOf(options.seed),
    stops: stopsOf(options.stop),
    stopTokens: stopTokensOf(options, config),
    numBeams: checkCount('numBeams', options.numBeams ?? 1, 1),
    numReturnSequences: checkCount('numReturnSequences', numReturnSequences, 1),
    logprobs: logprobs === undefined ? undefined : checkCount('logprobs', logprobs, 0),
    logits: options.logits ?? false,
    signal: options.signal,
  };
}
