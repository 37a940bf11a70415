import * as tf from '@tensorflow/tfjs-core';
import { softmax } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required } from '../../options';
import type { OptionRule } from '../../options';
import { badData, badModel, checkList, requireHead } from '../evaluation-errors';
import { encodeText } from '../forward/encode-texts';
import type { TextOrIds } from '../forward/encode-texts';
import { runForward } from '../forward/run-forward';
import {
  accuracy,
  calibrationError,
  confusionMatrix,
  f1Score,
  matthewsCorrelation,
  pearsonCorrelation,
  spearmanCorrelation,
} from '../metrics/index';
import type { EvaluationTask, TaskOutcome } from '../task';

/** A text with its class, or with the number that a regression should give. */
export interface LabelledText {
  readonly text: TextOrIds;
  /** The class, from 0 on; its name, where `labels` names them; or the number. */
  readonly label: number | string;
}

/** Options of {@link classification}. */
export interface ClassificationOptions {
  readonly data: readonly LabelledText[];
  /** The names of the classes, in the order of the model's outputs. */
  readonly labels?: readonly string[];
}

/** One text, as the model sees it. */
export interface ClassificationSample {
  /** The class with the highest probability; of a regression the number. */
  readonly prediction: number;
  /** The right class or number. */
  readonly label: number;
  /** Of each class; empty for a regression. */
  readonly probabilities: readonly number[];
}

/**
 * Texts into classes, or onto a scale, by a model with a sequence classification head.
 *
 * Classes: `accuracy`, `f1Macro`, `f1Micro`, `f1Weighted`, `matthews`, `loss` (cross-entropy in nats) and
 * `calibrationError`, with the confusion matrix and the scores of each class in `details`. A model with the problem type
 * `regression` or one output: `meanSquaredError`, `pearson`, `spearman`.
 *
 * @param options texts with their labels, and the names of classes
 * @returns the task
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be, E_EVALUATION_DATA for data that cannot be
 *
 * Reference: the metrics are those of scikit-learn and scipy.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { classification, evaluate } from '@tesserae/trainer';
 * await tf.setBackend('cpu');
 * // An architecture of one line: says class 1 where the first id is above 4.
 * const architecture = {
 *   name: 'threshold', configure: (config: object) => config as never, parameters: () => [],
 *   forward: (_: unknown, { inputIds }: { inputIds: tf.Tensor }) => ({
 *     logits: tf.mul(tf.sub(tf.slice(tf.cast(inputIds, 'float32'), [0, 0], [-1, 1]), 4.5), tf.tensor2d([[-1, 1]])),
 *   }),
 * };
 * const config = { vocabSize: 10, hiddenSize: 1, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4, head: 'sequence-classification' as const, numLabels: 2 };
 * const task = classification({ data: [{ text: [3], label: 0 }, { text: [7, 1], label: 1 }, { text: [8], label: 0 }] });
 * const { metrics } = await evaluate({ architecture, config, params: {} }, task, { progress: false });
 * console.log(metrics.accuracy.value.toFixed(2)); // → 0.67
 * ```
 */
export const classification: Plugin<
  'evaluation',
  'classification',
  (options: ClassificationOptions) => EvaluationTask<ClassificationSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'classification',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Texts into classes, or onto a scale',
  create: createClassification,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:classification': typeof classification;
  }
}

const anything: OptionRule = { expected: 'a list', test: () => true };

function createClassification(options: ClassificationOptions): EvaluationTask<ClassificationSample> {
  checkOptions<ClassificationOptions>('classification', options, {
    data: required(anything),
    labels: { expected: 'a list of names', test: Array.isArray },
  });
  const { data, labels } = options;
  checkList('classification', 'data', data);
  return {
    name: 'classification',
    async run(model, context) {
      requireHead('classification', model, 'sequence-classification');
      if (model.config.problemType === 'multi-label')
        throw badModel('classification', 'the model gives several classes at once', 'use a single-label model');
      const wanted = data.map(({ label }, i) => readLabel(label, labels, i));
      const rows = data.map(({ text }, i) => encodeText('classification', model, text, `text ${i}`));
      context.begin(rows.length, 'text');
      const logits = await runForward(
        model,
        rows,
        { name: 'classify', ...fillersOf(model), pick: pickFor(model) },
        context,
      );
      const regression = isRegression(model, logits[0].length);
      if (regression)
        return regressionOutcome(
          logits.map(([value]) => value),
          wanted,
        );
      checkClasses(wanted, logits[0].length);
      return classOutcome(logits, wanted, labels);
    },
  };
}

const isRegression = ({ config }: Model, outputs: number): boolean =>
  config.problemType === 'regression' || (outputs === 1 && config.problemType !== 'single-label');

const fillersOf = ({ config }: Model): { fillers: Record<string, number> } => ({
  fillers: { inputIds: config.padTokenId ?? 0 },
});

const pickFor =
  (model: Model) =>
  ({ logits }: { logits: tf.Tensor }) =>
    isRegression(model, logits.shape[1]!) ? tf.clone(logits) : softmax(logits); // [B, classes]

function readLabel(label: number | string, labels: readonly string[] | undefined, index: number): number {
  const found = typeof label === 'string' ? (labels?.indexOf(label) ?? -1) : label;
  if (typeof found === 'number' && Number.isFinite(found) && (typeof label !== 'string' || found >= 0)) return found;
  const known = labels ? `known are ${labels.join(', ')}` : 'and no labels are given';
  throw badData(
    'classification',
    `text ${index} has the label ${JSON.stringify(label)}, ${known}`,
    'give its number, or list it in labels',
  );
}

function checkClasses(wanted: readonly number[], classes: number): void {
  const wrong = wanted.find((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (wrong === undefined) return;
  throw badData('classification', `there is the class ${wrong}; the model has ${classes}`, `use 0 to ${classes - 1}`);
}

function classOutcome(
  probabilities: readonly Float32Array[],
  wanted: readonly number[],
  labels: readonly string[] | undefined,
): TaskOutcome<ClassificationSample> {
  const samples = probabilities.map((row, i) => ({
    prediction: row.reduce((best, p, k) => (p > row[best] ? k : best), 0),
    label: wanted[i],
    probabilities: Array.from(row),
  }));
  type Samples = readonly ClassificationSample[];
  const predictions = (some: Samples): number[] => some.map(({ prediction }) => prediction);
  const right = (some: Samples): number[] => some.map(({ label }) => label);
  const f1 = (average: 'macro' | 'micro' | 'weighted') => (some: Samples) =>
    f1Score(predictions(some), right(some), { average }).f1;
  const name = (label: number): number | string => labels?.[label] ?? label;
  const matrix = confusionMatrix(predictions(samples), right(samples));
  const { perClass } = f1Score(predictions(samples), right(samples));
  return {
    samples,
    metrics: {
      accuracy: (some) => accuracy(predictions(some), right(some)),
      f1Macro: f1('macro'),
      f1Micro: f1('micro'),
      f1Weighted: f1('weighted'),
      matthews: (some) => matthewsCorrelation(predictions(some), right(some)),
      loss: (some) =>
        some.reduce((sum, { probabilities: p, label }) => sum - Math.log(Math.max(p[label], 1e-38)), 0) / some.length,
      calibrationError: (some) =>
        calibrationError(
          some.map(({ probabilities: p, prediction }) => Math.min(1, p[prediction])),
          some.map(({ prediction, label }) => prediction === label),
        ).expected,
    },
    details: {
      confusion: { labels: matrix.labels.map((label) => name(Number(label))), counts: matrix.counts },
      perClass: perClass.map((score) => ({ ...score, label: name(Number(score.label)) })),
    },
  };
}

function regressionOutcome(values: readonly number[], wanted: readonly number[]): TaskOutcome<ClassificationSample> {
  const samples = values.map((prediction, i) => ({ prediction, label: wanted[i], probabilities: [] }));
  type Samples = readonly ClassificationSample[];
  const both = (some: Samples): [number[], number[]] => [some.map((s) => s.prediction), some.map((s) => s.label)];
  return {
    samples,
    metrics: {
      meanSquaredError: (some) => some.reduce((sum, s) => sum + (s.prediction - s.label) ** 2, 0) / some.length,
      pearson: (some) => pearsonCorrelation(...both(some)),
      spearman: (some) => spearmanCorrelation(...both(some)),
    },
  };
}
