import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions } from '../options';
import type { Objective } from './objective';
import { badRows, checkRows, learnersTokenizer, requireLearnersHead } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import { labelLoss } from './token-loss';

/** A text and its class. */
export interface ClassifiedText {
  readonly text: string;
  /** The class, from 0 to the model's `numLabels` - 1, or its name. */
  readonly label: number | string;
}

/** Options of {@link sequenceClassification}. */
export interface SequenceClassificationOptions {
  /** The names of the classes, in the order of the model's outputs. */
  readonly labels?: readonly string[];
}

/**
 * Learning to sort texts into classes: cross-entropy of the classes' logits. The data is a list of `{ text, label }`.
 *
 * @param options the names of the classes
 * @returns the objective, for `train(model, { data: rows, objective, … })` with a model of head `sequence-classification`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Devlin et al.: "BERT" (2019), section 4.1.
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
  });
  const { labels } = options;
  return {
    name,
    hyperparameters: labels ? { labels: labels.join(',') } : {},
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'sequence-classification');
      checkRows(name, data, 'texts with labels');
      const tokenizer = learnersTokenizer(name, model);
      const classes = model.config.numLabels ?? 2;
      const longest = longestRow(model, settings);
      const rows = data.map((row, i) => {
        const { text, label } = (row ?? {}) as Partial<ClassifiedText>;
        const found = typeof label === 'string' ? (labels?.indexOf(label) ?? -1) : label;
        if (typeof text !== 'string' || !Number.isInteger(found) || found! < 0 || found! >= classes)
          throw badRows(
            name,
            `row ${i} has the label ${JSON.stringify(label)}; the model has ${classes} classes`,
            'give { text, label } with a class that the model has',
          );
        const ids = Array.from(tokenizer.encode(text)).slice(0, longest);
        if (ids.length === 0) throw badRows(name, `the text of row ${i} holds no token`, 'leave empty texts out');
        return { ids, label: found! };
      });
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: ({ ids, label }) => [ids, [label]],
        fillers: { inputIds: model.config.padTokenId ?? 0 },
        masks: { inputIds: 'attentionMask' },
        make: ({ ids, label }) => ({ inputIds: ids, labels: [label] }),
      });
    },
    loss: ({ logits }, { labels: right }) => labelLoss(logits, right),
  };
}
