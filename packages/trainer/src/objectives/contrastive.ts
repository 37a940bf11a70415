import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { createCapture, poolHiddenStates } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { contrastiveLoss } from './losses/contrastive-loss';
import type { ModelRun, Objective } from './objective';
import { badLearner, badRows, checkRows } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import { encodeRow } from './text-row';

/** Two texts that belong together, and where wished one that looks as if it did. */
export interface TextPair {
  readonly anchor: string;
  /** What belongs to the anchor; the anchor itself, to learn from dropout alone. */
  readonly positive: string;
  /** What does not, though it is like it. Every row has one, or none. */
  readonly negative?: string;
}

/** Options of {@link contrastive}. */
export interface ContrastiveOptions {
  /** What cosines are divided by: 0.05. */
  readonly temperature?: number;
  /** Look for the anchors of positives too, and take the mean of both: true. */
  readonly symmetric?: boolean;
}

/**
 * Learning vectors that lie near each other where texts belong together: each anchor has to find its positive among those of
 * the batch, by the cosine of vectors that are pooled as the model's `embedding` says.
 *
 * What belongs to an anchor is never held against it: of rows with the same anchor or positive the others do not count. More
 * rows in a step are more negatives; micro-batches see only their own. The data is a list of `{ anchor, positive }`, with a
 * `negative` that all anchors must keep away from where wished. With the anchor as its own positive it is SimCSE.
 *
 * @param options temperature, and whether positives look for anchors too
 * @returns the objective, for `train(model, { data: pairs, objective, … })` with a model that `embedTexts` takes
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * van den Oord et al.: "Representation Learning with Contrastive Predictive Coding" (2018); Gao et al.: "SimCSE" (2021); as
 * `MultipleNegativesRankingLoss` of sentence-transformers, symmetric as in CLIP.
 *
 * @example
 * ```ts
 * import { contrastive } from '@tesserae/trainer';
 * console.log(contrastive().hyperparameters); // → { temperature: 0.05, symmetric: true }
 * ```
 */
export const contrastive: Plugin<'objective', 'contrastive', (options?: ContrastiveOptions) => Objective> =
  /* @__PURE__ */ definePlugin({
    kind: 'objective',
    name: 'contrastive',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Learning vectors that lie near each other where texts belong together',
    create: createContrastive,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:contrastive': typeof contrastive;
  }
}

const name = 'contrastive';

function createContrastive(options: ContrastiveOptions = {}): Objective {
  checkOptions<ContrastiveOptions>(name, options, { temperature: rules.positive, symmetric: rules.boolean });
  const { temperature = 0.05, symmetric = true } = options;
  return {
    name,
    hyperparameters: { temperature, symmetric },
    parts: ['loss'],
    packs: 'it compares one vector of each row with those of others',
    prepare(model, data, settings) {
      checkModel(model);
      checkRows(name, data, 'pairs of texts');
      const hard = (data as readonly Partial<TextPair>[]).some((row) => row?.negative !== undefined);
      const texts = new Map<string, number>();
      const numberOf = (text: string): number => texts.get(text) ?? texts.set(text, texts.size).size - 1;
      const rows = data.map((row, i) => {
        const { anchor, positive, negative } = readPair(row, i, hard);
        const encode = (text: string): readonly number[] =>
          encodeRow(name, model, { text, index: i }, longestRow(model, settings)).ids;
        return {
          inputIds: encode(anchor),
          positiveIds: encode(positive),
          ...(negative !== undefined && { negativeIds: encode(negative) }),
          texts: [numberOf(anchor), numberOf(positive)],
        };
      });
      const pad = model.config.padTokenId ?? 0;
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: ({ inputIds, positiveIds, negativeIds = [] }) => [inputIds, positiveIds, negativeIds],
        fillers: { inputIds: pad, positiveIds: pad, negativeIds: pad },
        masks: { inputIds: 'attentionMask', positiveIds: 'positiveMask', negativeIds: 'negativeMask' },
        alike: ['inputIds', 'positiveIds', ...(hard ? ['negativeIds'] : [])],
        make: (row) => row,
      });
    },
    losses(run, tensors) {
      const { inputIds, attentionMask, positiveIds, positiveMask, negativeIds, negativeMask, texts } = tensors;
      const all = [inputIds, positiveIds, ...(negativeIds ? [negativeIds] : [])];
      const masks = [attentionMask, positiveMask, ...(negativeMask ? [negativeMask] : [])];
      const vectors = tf.split(vectorsOf(run, tf.concat(all, 0), tf.concat(masks, 0)), all.length, 0); // [B, D] each
      const context = { alike: alikeness(texts), ...(negativeIds && { negatives: vectors[2] }) };
      return { loss: contrastiveLoss(vectors[0], vectors[1], { temperature, symmetric }, context) };
    },
  };
}

/** Vectors of length 1 for ids [N, T]: [N, D]. */
function vectorsOf(run: ModelRun, inputIds: Tensor, attentionMask: Tensor): Tensor {
  const { embedding, config } = run.model;
  const capture = createCapture({ names: ['finalNorm'] });
  const { hiddenStates, logits } = run.forward({ inputIds, attentionMask }, { capture });
  const hidden = hiddenStates ?? (config.head === 'none' ? logits : capture.values.finalNorm); // [N, T, D]
  const pooling = embedding?.pooling ?? 'mean';
  const modes = typeof pooling === 'string' ? [pooling] : pooling;
  const pooled = modes.map((mode) => poolHiddenStates(hidden, attentionMask, mode)); // [N, D] each
  const vectors = pooled.length === 1 ? pooled[0] : tf.concat(pooled, 1);
  return tf.div(vectors, tf.sqrt(tf.add(tf.sum(tf.square(vectors), 1, true), 1e-12)));
}

/** Whether the positive of a row [column] belongs to the anchor of another [row] too, by the texts' numbers [B, 2]: [B, B]. */
function alikeness(texts: Tensor): Tensor {
  const [anchors, positives] = tf.split(texts, 2, 1); // [B, 1] each
  const same = (one: Tensor, other: Tensor): Tensor => tf.cast(tf.equal(one, tf.transpose(other)), 'float32'); // [B, B]
  return tf.maximum(tf.maximum(same(positives, positives), same(anchors, positives)), same(anchors, anchors));
}

function readPair(row: unknown, index: number, hard: boolean): TextPair {
  const { anchor, positive, negative } = (row ?? {}) as Partial<TextPair>;
  if (typeof anchor !== 'string' || typeof positive !== 'string')
    throw badRows(name, `row ${index} is no pair of texts`, 'give { anchor, positive }');
  if (hard && typeof negative !== 'string')
    throw badRows(name, `row ${index} has no negative, and others have`, 'give every row one, or none');
  if (negative === positive)
    throw badRows(
      name,
      `the negative of row ${index} is its positive`,
      'give a text that does not belong to the anchor',
    );
  return { anchor, positive, ...(negative !== undefined && { negative }) };
}

function checkModel({ architecture, config }: Model): void {
  const { encoderOnly } = config as { encoderOnly?: boolean };
  if (architecture.encode === undefined || encoderOnly === true) return;
  throw badLearner(
    name,
    `${architecture.name} has a decoder behind its encoder`,
    'use an encoder, or encoderOnly: true',
  );
}
