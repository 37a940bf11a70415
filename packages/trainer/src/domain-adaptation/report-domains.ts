import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { evaluate, perplexity } from '../evaluation/index';
import type { MetricValue, PerplexityOptions } from '../evaluation/index';
import { checkOptions, required, rules } from '../options';
import type { OptionRule } from '../options';

/** Text of a domain that nothing was learned from: a text, ids, or several of either kind. */
export type DomainText = PerplexityOptions['data'];

/** Options of {@link reportDomains}. */
export interface DomainReportOptions {
  /** Held-out text of the new domain. */
  readonly domain: DomainText;
  /** Held-out text of what the model was trained on before. */
  readonly previous: DomainText;
  /** Tokens that the model sees at a time: its `maxPositionEmbeddings`. */
  readonly contextLength?: number;
  /** Tokens from one window to the next: half of `contextLength`. */
  readonly stride?: number;
  /** Rows that go through the model at a time: 8. */
  readonly batchSize?: number;
  /** The name of the model whose forgetting the others are held to, such as one that was only trained on; none when absent. */
  readonly baseline?: string;
  readonly signal?: AbortSignal;
  /** Show progress in the terminal or notebook: true. */
  readonly progress?: boolean;
}

/** How well a model predicts both domains. */
export interface DomainScores {
  /** Perplexity in the new domain. */
  readonly domain: MetricValue;
  /** Perplexity in the old one. */
  readonly previous: MetricValue;
}

/** What became of a model in the new domain. */
export interface AdaptedScores extends DomainScores {
  /** What was learned: nats per token less in the new domain than before. */
  readonly gained: number;
  /** What was forgotten: nats per token more in the old domain than before; below 0 where it got better. */
  readonly forgotten: number;
  /** 1 - forgotten / forgotten by the baseline: 1 where nothing was; absent without a baseline, and for itself. */
  readonly forgettingCut?: number;
}

/** Models before and after, side by side. */
export interface DomainReport {
  readonly before: DomainScores;
  readonly models: Readonly<Record<string, AdaptedScores>>;
}

const anything: OptionRule = {
  expected: 'a text or ids',
  test: (value) => typeof value === 'string' || typeof value === 'object',
};

/**
 * Holds adapted models to the one that they came from: perplexity in the new domain, and forgetting in the old one.
 *
 * forgotten = L_old(after) - L_old(before), gained = L_new(before) - L_new(after), in nats per token
 *
 * @param before the model before it was adapted
 * @param adapted models by name
 * @param options held-out texts of both domains, window, batch size, and which model the others are compared with
 * @returns the scores of all, with standard errors over windows
 * @throws E_OPTION and E_UNKNOWN_OPTION, also for a baseline that is not there; what `evaluate` throws
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { reportDomains } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const [before, after] = [1, 2].map((seed) => createModel(gpt2, config, { seed }));
 * const ids = Array.from({ length: 33 }, (_, i) => i % 4);
 * const { models } = await reportDomains(before, { after }, { domain: ids, previous: ids, progress: false });
 * console.log((models.after.forgotten + models.after.gained).toFixed(6)); // → 0.000000
 * [before, after].forEach(disposeModel);
 * ```
 */
export async function reportDomains<C>(
  before: Model<C>,
  adapted: Readonly<Record<string, Model<C>>>,
  options: DomainReportOptions,
): Promise<DomainReport> {
  checkOptions<DomainReportOptions>('reportDomains', options, {
    domain: required(anything),
    previous: required(anything),
    contextLength: rules.positiveInteger,
    stride: rules.positiveInteger,
    batchSize: rules.positiveInteger,
    baseline: rules.string,
    signal: rules.object,
    progress: rules.boolean,
  });
  const { baseline } = options;
  if (baseline !== undefined && !Object.hasOwn(adapted, baseline))
    throw tesseraeError({
      package: 'trainer',
      plugin: 'reportDomains',
      code: 'E_OPTION',
      message: `there is no model '${baseline}' to compare with`,
      fix: `use one of ${Object.keys(adapted).join(', ')}`,
    });
  const first = await scoresOf(before, options);
  const scores: Record<string, DomainScores> = {};
  for (const [name, model] of Object.entries(adapted)) scores[name] = await scoresOf(model, options);
  const nats = (after: MetricValue, than: MetricValue): number => Math.log(after.value) - Math.log(than.value);
  const forgotten = (of: DomainScores): number => nats(of.previous, first.previous);
  const reference = baseline === undefined ? undefined : forgotten(scores[baseline]);
  const models = Object.entries(scores).map(([name, own]): [string, AdaptedScores] => [
    name,
    {
      ...own,
      gained: nats(first.domain, own.domain),
      forgotten: forgotten(own),
      ...(reference !== undefined && name !== baseline && { forgettingCut: 1 - forgotten(own) / reference }),
    },
  ]);
  return { before: first, models: Object.fromEntries(models) };
}

async function scoresOf<C>(model: Model<C>, options: DomainReportOptions): Promise<DomainScores> {
  const { domain, previous, contextLength, stride, batchSize, signal, progress } = options;
  const score = async (data: DomainText): Promise<MetricValue> => {
    const task = perplexity({
      data,
      ...(contextLength !== undefined && { contextLength }),
      ...(stride !== undefined && { stride }),
    });
    const found = await evaluate(model, task, {
      ...(batchSize !== undefined && { batchSize }),
      ...(signal && { signal }),
      ...(progress !== undefined && { progress }),
    });
    return found.metrics.perplexity;
  };
  return { domain: await score(domain), previous: await score(previous) };
}
