import { createModel, disposeModel, gpt2 } from '@tesserae/core';
import type { Gpt2Config, Model } from '@tesserae/core';
import type { Tokenizer } from '@tesserae/tokenizer';
import { adamw, cosine, createReplaySampler, estimateFisher, ewc, l2sp, reportDomains, train } from '@tesserae/trainer';
import type { DomainReport, TokenDataset, TrainOptions } from '@tesserae/trainer';
import { setting } from './setting';

type Gpt = Model<Gpt2Config>;

/** A model that knows nothing yet. */
export const freshModel = (tokenizer: Tokenizer, seed: number): Gpt =>
  createModel(
    gpt2,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize: setting.width,
      numHiddenLayers: setting.layers,
      numAttentionHeads: setting.heads,
      maxPositionEmbeddings: setting.context,
      attentionDropout: 0,
      embeddingDropout: 0,
      residualDropout: 0,
      initializerRange: 0.05, // 0.02 suits widths of a thousand
    },
    { seed, tokenizer },
  );

/** Trains the same way whatever the domain. */
export async function fit(
  start: Gpt,
  { learningRate = setting.learningRate, steps = setting.steps, ...more }: FitOptions,
): Promise<Gpt> {
  const { model } = await train(start, {
    steps,
    batchSize: setting.newRows,
    contextLength: setting.context,
    optimizer: adamw({ beta2: 0.99, weightDecay: 0.1 }),
    schedule: cosine({ learningRate, minimumLearningRate: learningRate / 10, warmupSteps: 20, totalSteps: steps }),
    progress: false,
    ...more,
  });
  return model;
}

interface FitOptions extends Partial<Omit<TrainOptions, 'data'>> {
  readonly data: TokenDataset;
  readonly learningRate?: number;
}

/** One step from a domain, or several, to the next. */
export interface Stage {
  readonly before: Gpt;
  readonly tokenizer: Tokenizer;
  readonly domain: TokenDataset;
  /** All domains so far, the latest one last. */
  readonly previous: readonly TokenDataset[];
  readonly seed: number;
}

/** The report over each earlier domain, and the model that goes on. */
export interface StageResult {
  /** In the order of `previous`. */
  readonly reports: readonly DomainReport[];
  readonly model: Gpt;
}

const heldOut = ({ validation }: TokenDataset): Int32Array => validation.slice(0, setting.heldOut);

/** The same new domain learned in six ways, with the same steps and the same rows of it in each. */
export async function adapt({ before, tokenizer, domain, previous, seed }: Stage): Promise<StageResult> {
  const { steps, newRows, replayShare, context: contextLength, adaptingRate: learningRate } = setting;
  const batchSize = newRows / (1 - replayShare);
  const order = createReplaySampler(
    domain.train,
    previous.map((one) => one.train),
    { batchSize, contextLength, replayShare, seed },
  );
  const reference = before as unknown as Model;
  const old = previous[previous.length - 1];
  const fisher = await estimateFisher(before, { data: old, rows: setting.fisherRows, seed, progress: false });
  const elastic = ewc({ reference, fisher, strength: setting.ewcStrength });
  const near = l2sp({ reference, strength: setting.l2spStrength });
  const goOn = async (more: Partial<Omit<TrainOptions, 'data'>>): Promise<Gpt> =>
    fit(before, { data: domain, steps, seed, learningRate, ...more });
  const scratch = freshModel(tokenizer, seed + 1);
  const models = {
    alone: await fit(scratch, { data: domain, steps, seed }),
    plain: await goOn({}),
    l2sp: await goOn({ regularizers: [near] }),
    ewc: await goOn({ regularizers: [elastic] }),
    replay: await goOn({ order, batchSize }),
    'replay and ewc': await goOn({ order, batchSize, regularizers: [elastic] }),
  };
  const reports: DomainReport[] = [];
  for (const one of previous)
    reports.push(
      await reportDomains(before, models, {
        domain: heldOut(domain),
        previous: heldOut(one),
        baseline: 'plain',
        batchSize: 16,
        progress: false,
      }),
    );
  fisher.dispose();
  const { replay, ...others } = models;
  [scratch, ...Object.values(others)].forEach(disposeModel);
  return { reports, model: replay };
}
