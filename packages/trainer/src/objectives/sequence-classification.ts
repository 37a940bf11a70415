import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { focalLoss } from './losses/focal-loss';
import { weightsRule } from './losses/loss-options';
import { multiLabelLoss } from './losses/multi-label-loss';
import type { Objective } from './objective';
import { badLearner, badRows, checkRows, requireLearnersHead } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import { encodeRow } from './text-row';
import type { TextRow } from './text-row';

/** A text, or a pair of texts, and its class; or its classes. */
export interface ClassifiedText {
  readonly text: string;
  /** A second text: a hypothesis beside a premise, a question beside a passage. */
  readonly pair?: string;
  /** The class, from 0 to the model's `numLabels` - 1, or its name. */
  readonly label?: number | string;
  /** Where a text may have several classes, or none: all of them. Every row has them, or none. */
  readonly labels?: readonly (number | string)[];
}

/** Options of {@link sequenceClassification}. */
export interface SequenceClassificationOptions {
  /** The names of the classes, in the order of the model's outputs. */
  readonly labels?: readonly string[];
  /** Share of the target that is spread evenly over all classes: 0. */
  readonly labelSmoothing?: number;
  /** How much less counts what is already right: 0. A focal loss mostly has 2. */
  readonly focalGamma?: number;
  /** A weight for each class, see `balancedClassWeights`; all 1 when absent. */
  readonly classWeights?: readonly number[];
}

/**
 * Learning to sort texts into classes: cross-entropy of the classes' logits, where wished with smoothed labels, weights for
 * classes, and less for what is already right. The data is a list of `{ text, label }`; of `{ text, labels }` where a text
 * may have several classes, whose loss is the binary cross-entropy of each.
 *
 * @param options the names of the classes, and how the loss is made
 * @returns the objective, for `train(model, { data: rows, objective, … })` with a model of head `sequence-classification`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Devlin et al.: "BERT" (2019), section 4.1; the losses are those of {@link focalLoss} and {@link multiLabelLoss}.
 *
 * @example
 * ```ts
 * import { sequenceClassification } from '@tesserae/trainer';
 * console.log(sequenceClassification({ labels: ['sad', 'glad'] }).name); // → sequence-classification
 * ```
 */
export const sequenceClassification: Plugin<
  'objective',
  'sequence-classification',
  (options?: SequenceClassificationOptions) => Objective
> = /* @__PURE__ */ definePlugin({
  kind: 'objective',
  name: 'sequence-classification',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Learning to sort texts into classes',
  create: createSequenceClassification,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:sequence-classification': typeof sequenceClassification;
  }
}

const name = 'sequence-classification';

function createSequenceClassification(options: SequenceClassificationOptions = {}): Objective {
  checkOptions<SequenceClassificationOptions>(name, options, {
    labels: { expected: 'a list of names', test: Array.isArray },
    labelSmoothing: rules.fraction,
    focalGamma: rules.nonNegative,
    classWeights: weightsRule,
  });
  const { labels, labelSmoothing, focalGamma, classWeights } = options;
  const how = { gamma: focalGamma ?? 0, labelSmoothing, classWeights };
  return {
    name,
    hyperparameters: {
      ...(labels && { labels: labels.join(',') }),
      ...(labelSmoothing !== undefined && { labelSmoothing }),
      ...(focalGamma !== undefined && { focalGamma }),
      ...(classWeights && { classWeights: classWeights.join(',') }),
    },
    packs: 'its head reads one vector of a row',
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'sequence-classification');
      checkRows(name, data, 'texts with labels');
      const classes = classesOf(model, options);
      const longest = longestRow(model, settings);
      const several = (data as readonly Partial<ClassifiedText>[]).some((row) => Array.isArray(row?.labels));
      const rows = data.map((row, i): TextRow & { readonly labels: readonly number[] } => {
        const { text, pair, ...answer } = (row ?? {}) as Partial<ClassifiedText>;
        const right = several
          ? manyHot(answer.labels, classes, labels, i)
          : [classOf(answer.label, classes, labels, i)];
        return { ...encodeRow(name, model, { text, pair, index: i }, longest), labels: right };
      });
      const typed = rows.some(({ typeIds }) => typeIds !== undefined);
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: ({ ids, labels: right }) => [ids, right],
        fillers: { inputIds: model.config.padTokenId ?? 0 },
        masks: { inputIds: 'attentionMask' },
        make: ({ ids, typeIds, labels: right }) => ({
          inputIds: ids,
          labels: right,
          ...(typed && { tokenTypeIds: typeIds ?? ids.map(() => 0) }),
        }),
      });
    },
    loss: ({ logits }, { labels: right }) => lossOf(logits, right, how),
  };
}

/** As many labels as classes are a mark for each of them; one label is a class. */
function lossOf(
  logits: Tensor, // [B, C]
  labels: Tensor, // [B, 1] or [B, C]
  how: { gamma: number; labelSmoothing?: number | undefined; classWeights?: readonly number[] | undefined },
): Scalar {
  const given = Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined));
  if (labels.shape[1] === logits.shape[1]) return multiLabelLoss(logits, labels, given);
  return focalLoss(logits, tf.reshape(labels, [-1]), given);
}

function classesOf({ config }: Model, { labels, classWeights }: SequenceClassificationOptions): number {
  const classes = config.numLabels ?? 2;
  for (const [what, list] of Object.entries({ labels, classWeights })) {
    if (list === undefined || list.length === classes) continue;
    throw badLearner(
      name,
      `there are ${list.length} ${what}, and the model has ${classes} classes`,
      `make the model with numLabels: ${list.length}, or give ${classes}`,
    );
  }
  return classes;
}

function classOf(label: unknown, classes: number, names: readonly string[] | undefined, index: number): number {
  const found = typeof label === 'string' ? (names?.indexOf(label) ?? -1) : label;
  if (Number.isInteger(found) && (found as number) >= 0 && (found as number) < classes && classes > 1)
    return found as number;
  throw badRows(
    name,
    `row ${index} has the label ${JSON.stringify(label)}; the model has ${classes} classes`,
    classes > 1 ? 'give { text, label } with a class that the model has' : 'learn numbers with regression()',
  );
}

function manyHot(list: unknown, classes: number, names: readonly string[] | undefined, index: number): number[] {
  if (!Array.isArray(list))
    throw badRows(name, `row ${index} has no list of labels, and others have`, 'give every row { text, labels }');
  const marks = new Array<number>(classes).fill(0);
  for (const label of list) {
    const found = typeof label === 'string' ? (names?.indexOf(label) ?? -1) : (label as number);
    if (!Number.isInteger(found) || found < 0 || found >= classes)
      throw badRows(
        name,
        `row ${index} has the label ${JSON.stringify(label)}; the model has ${classes} classes`,
        'give { text, labels } with classes that the model has',
      );
    marks[found] = 1;
  }
  return marks;
}
