import type { ArchitectureConfig, Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { createTokenDataset } from '../data/index';
import type { TokenDataset, TokenSource } from '../data/index';
import { checkVocabulary, isTokenDataset } from '../data/token-dataset';
import { train } from '../loop/index';
import type { TrainOptions, TrainingResult } from '../loop/index';
import { createReplaySampler } from './replay-sampler';
import { reportDomains } from './report-domains';
import type { DomainReport } from './report-domains';

/** Options of {@link adaptToDomain}: those of `train`, with two domains in place of the data. */
export interface AdaptToDomainOptions extends Omit<
  TrainOptions,
  'data' | 'objective' | 'order' | 'validationFraction'
> {
  /** The new domain: a tenth of it, from its end, is held out for the report unless it is a dataset already. */
  readonly domain: TokenSource | TokenDataset;
  /** What the model was trained on before, split in the same way. */
  readonly previous: TokenSource | TokenDataset;
  /** Share of the rows of a step that come from the old domain: 0. */
  readonly replayShare?: number;
  /** How rows are taken: `windows`. */
  readonly order?: 'windows' | 'epochs';
}

/** What `train` gives, and what became of both domains. */
export interface AdaptationResult<C = ArchitectureConfig> extends TrainingResult<C> {
  /** The model under the name `adapted`. */
  readonly report: DomainReport;
}

/**
 * Goes on pre-training a language model on another domain, and says in one report what it learned there and what it forgot.
 *
 * Against forgetting there are rows of the old domain among the new ones (`replayShare`), and penalties
 * (`regularizers: [l2sp(…)]`, `[ewc(…)]`); they go together.
 *
 * @param model the model that was trained on the old domain; it is not changed
 * @param options both domains, the share of replay, and whatever `train` takes
 * @returns the adapted model, whose tensors are yours, its history, and perplexities before and after in both domains
 * @throws what `train` and `createReplaySampler` throw; E_TEXT_TOO_SHORT when a domain has too little to hold out
 *
 * Gururangan et al.: "Don't Stop Pretraining: Adapt Language Models to Domains and Tasks" (2020), section 3.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { adaptToDomain } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const general = createModel(gpt2, config, { seed: 1 });
 * const [domain, previous] = [1, 3].map((step) => Array.from({ length: 200 }, (_, i) => (i * step) % 4));
 * const options = { domain, previous, replayShare: 0.25, steps: 20, batchSize: 4, progress: false };
 * const { model, report } = await adaptToDomain(general, options);
 * console.log(report.models.adapted.gained > 0); // → true
 * [general, model].forEach(disposeModel);
 * ```
 */
export async function adaptToDomain<C extends ArchitectureConfig>(
  model: Model<C>,
  options: AdaptToDomainOptions,
): Promise<AdaptationResult<C>> {
  const { domain, previous, replayShare = 0, order = 'windows', ...rest } = options;
  const { batchSize = 8, accumulationSteps = 1, seed = 0, progress, signal } = rest;
  const contextLength = rest.contextLength ?? model.config.maxPositionEmbeddings;
  const [fresh, old] = [domain, previous].map((source) => datasetOf(model, source, contextLength));
  const sampler = createReplaySampler(fresh.train, old.train, {
    batchSize: batchSize * accumulationSteps,
    contextLength,
    replayShare,
    order,
    seed,
  });
  const result = await train(model, { ...rest, contextLength, data: fresh, order: sampler });
  const report = await reportDomains(
    model,
    { adapted: result.model },
    {
      domain: fresh.validation,
      previous: old.validation,
      contextLength,
      batchSize,
      ...(progress !== undefined && { progress }),
      ...(signal && { signal }),
    },
  );
  return { ...result, report };
}

function datasetOf<C extends ArchitectureConfig>(
  { tokenizer, config }: Model<C>,
  source: TokenSource | TokenDataset,
  contextLength: number,
): TokenDataset {
  const dataset = isTokenDataset(source) ? source : createTokenDataset(source, { tokenizer });
  checkVocabulary(dataset, config.vocabSize);
  if (dataset.validation.length >= 2 && dataset.train.length > contextLength) return dataset;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'adaptToDomain',
    code: 'E_TEXT_TOO_SHORT',
    message: `a domain has ${dataset.train.length} tokens to learn from and ${dataset.validation.length} held out`,
    fix: `give at least ${contextLength + 1} to learn from and 2 to hold out`,
  });
}
