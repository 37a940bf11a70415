import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import { regressionLoss } from './losses/regression-loss';
import type { Objective } from './objective';
import { badRows, checkRows, requireLearnersHead } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import { encodeRow } from './text-row';

/** A text, or a pair of texts, and the number that belongs to it; or several numbers. */
export interface ScoredText {
  readonly text: string;
  /** A second text, such as one whose likeness to the first is to be told. */
  readonly pair?: string;
  /** One number for each of the model's `numLabels` outputs. */
  readonly label: number | readonly number[];
}

/** Options of {@link regression}. */
export interface RegressionOptions {
  /** Squared differences, absolute ones, or squared near 0 and absolute beyond `delta`: `squared`. */
  readonly loss?: 'squared' | 'absolute' | 'huber';
  /** Where the Huber loss goes from squared to absolute: 1. */
  readonly delta?: number;
}

/**
 * Learning to tell a number from a text: how good, how long, how like another. The data is a list of `{ text, label }`.
 *
 * @param options what a difference costs
 * @returns the objective, for `train(model, { data: rows, objective, … })` with a model of head `sequence-classification` and
 *   as many labels as there are numbers
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: `problem_type="regression"` of transformers; the losses are `mse_loss`, `l1_loss` and `huber_loss` of torch.
 *
 * @example
 * ```ts
 * import { regression } from '@tesserae/trainer';
 * console.log(regression({ loss: 'huber' }).hyperparameters); // → { loss: 'huber', delta: 1 }
 * ```
 */
export const regression: Plugin<'objective', 'regression', (options?: RegressionOptions) => Objective> =
  /* @__PURE__ */ definePlugin({
    kind: 'objective',
    name: 'regression',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Learning to tell a number from a text',
    create: createRegression,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:regression': typeof regression;
  }
}

const name = 'regression';

function createRegression(options: RegressionOptions = {}): Objective {
  checkOptions<RegressionOptions>(name, options, {
    loss: oneOf('squared', 'absolute', 'huber'),
    delta: rules.positive,
  });
  const { loss = 'squared', delta = 1 } = options;
  return {
    name,
    hyperparameters: { loss, ...(loss === 'huber' && { delta }) },
    packs: 'its head reads one vector of a row',
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'sequence-classification');
      checkRows(name, data, 'texts with numbers');
      const width = model.config.numLabels ?? 2;
      const longest = longestRow(model, settings);
      const rows = data.map((row, i) => {
        const { text, pair, label } = (row ?? {}) as Partial<ScoredText>;
        const targets = Array.isArray(label) ? (label as number[]) : [label as number];
        const right =
          targets.length === width && targets.every((one) => typeof one === 'number' && Number.isFinite(one));
        if (typeof text === 'string' && !right)
          throw badRows(
            name,
            `row ${i} has the label ${JSON.stringify(label)}; the model gives ${width} ${width === 1 ? 'number' : 'numbers'}`,
            width === 1
              ? 'give { text, label } with a number'
              : 'give as many numbers, or a model with fewer numLabels',
          );
        return { ...encodeRow(name, model, { text, pair, index: i }, longest), targets };
      });
      const typed = rows.some(({ typeIds }) => typeIds !== undefined);
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: ({ ids, targets }) => [ids, bitsOf(targets)],
        fillers: { inputIds: model.config.padTokenId ?? 0 },
        masks: { inputIds: 'attentionMask' },
        floats: ['labels'],
        make: ({ ids, typeIds, targets }) => ({
          inputIds: ids,
          labels: targets,
          ...(typed && { tokenTypeIds: typeIds ?? ids.map(() => 0) }),
        }),
      });
    },
    loss: ({ logits }, { labels }) => regressionLoss(logits, labels, loss === 'huber' ? { loss, delta } : { loss }),
  };
}

/** Numbers as whole ones, for a fingerprint. */
const bitsOf = (values: readonly number[]): number[] => Array.from(new Int32Array(Float64Array.from(values).buffer));
