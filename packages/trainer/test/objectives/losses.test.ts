import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { registerGradients, selectBackend } from '@tesserae/core';
import {
  balancedClassWeights,
  contrastiveLoss,
  focalLoss,
  multiLabelLoss,
  preferenceLoss,
  regressionLoss,
  symmetricDivergence,
} from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import reference from './reference-losses.json';

/** Values and gradients that torch computed in doubles. */
const { classes, multiLabel, regression, preference, contrastive, divergence } = reference;

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
  registerGradients();
});

const matrix = (values: readonly number[], [rows, columns]: readonly number[] = classes.shape): Tensor =>
  tf.tensor2d([...values], [rows, columns]);

/** Holds a loss and its gradients, by each of its inputs, to those of torch. */
function hold(loss: (...inputs: Tensor[]) => Scalar, inputs: Tensor[], value: number, gradients: number[][]): void {
  const found = tf.valueAndGrads((...given: Tensor[]) => loss(...given))(inputs);
  expect(found.value.dataSync()[0]).toBeCloseTo(value, 5);
  found.grads.forEach((gradient, i) => {
    const values = gradient.dataSync();
    gradients[i].forEach((wanted, at) =>
      expect(Math.abs(values[at] - wanted)).toBeLessThan(1e-5 * Math.max(1, wanted)),
    );
  });
}

describe('losses equal those of torch, with their gradients', () => {
  const labels = (): Tensor => tf.tensor1d(classes.labels, 'int32');

  it.each(classes.cases)('focalLoss: $name', ({ options, loss, gradient }) => {
    hold((logits) => focalLoss(logits, labels(), options), [matrix(classes.logits)], loss, [gradient]);
  });

  it.each(multiLabel.cases)('multiLabelLoss: $name', ({ options, loss, gradient }) => {
    const targets = matrix(multiLabel.targets);
    hold((logits) => multiLabelLoss(logits, targets, options), [matrix(classes.logits)], loss, [gradient]);
  });

  it.each(regression.cases)('regressionLoss: $name', ({ options, loss, gradient }) => {
    const targets = matrix(regression.targets);
    hold((found) => regressionLoss(found, targets, options as object), [matrix(classes.logits)], loss, [gradient]);
  });

  it.each(preference.cases)('preferenceLoss: $name', ({ options, loss, gradientChosen, gradientRejected }) => {
    const mean = options.loss === 'ipo';
    const over = (values: Tensor, tokens: number[]): Tensor => (mean ? tf.div(values, tf.tensor1d(tokens)) : values);
    const pair = (chosen: Tensor, rejected: Tensor): { chosen: Tensor; rejected: Tensor } => ({
      chosen: over(chosen, preference.chosenTokens),
      rejected: over(rejected, preference.rejectedTokens),
    });
    const started = pair(tf.tensor1d(preference.referenceChosen), tf.tensor1d(preference.referenceRejected));
    hold(
      (chosen, rejected) => preferenceLoss(pair(chosen, rejected), started, options as object),
      [tf.tensor1d(preference.policyChosen), tf.tensor1d(preference.policyRejected)],
      loss,
      [gradientChosen, gradientRejected],
    );
  });

  it.each(contrastive.cases)('contrastiveLoss: $name', ({ options, loss, gradientAnchors, gradientPositives }) => {
    const { negatives, ...how } = options as { temperature: number; symmetric: boolean; negatives?: boolean };
    const unit = (vectors: Tensor): Tensor => tf.div(vectors, tf.sqrt(tf.sum(tf.square(vectors), 1, true)));
    const more = negatives ? { negatives: unit(matrix(contrastive.negatives, contrastive.shape)) } : {};
    hold(
      (anchors, positives) => contrastiveLoss(unit(anchors), unit(positives), how, more),
      [matrix(contrastive.anchors, contrastive.shape), matrix(contrastive.positives, contrastive.shape)],
      loss,
      [gradientAnchors, gradientPositives],
    );
  });

  it('symmetricDivergence', () => {
    const counted = tf.notEqual(labels(), tf.scalar(-100, 'int32'));
    hold(
      (one, other) => symmetricDivergence(one, other, counted),
      [matrix(classes.logits), matrix(divergence.other)],
      divergence.loss,
      [divergence.gradient, divergence.gradientOther],
    );
  });
});

describe('losses at their edges', () => {
  it('a policy that is the reference has the slope −β/2, not none', () => {
    const same = { chosen: tf.tensor1d([-3]), rejected: tf.tensor1d([-5]) };
    const slope = tf.grad((chosen) => preferenceLoss({ ...same, chosen }, same, { beta: 0.1 }))(tf.tensor1d([-3]));
    expect(slope.dataSync()[0]).toBeCloseTo(-0.05, 6);
  });

  it('stay finite where logits are large', () => {
    const logits = tf.tensor2d([[90, -90]]);
    expect(focalLoss(logits, tf.tensor1d([1], 'int32')).dataSync()[0]).toBeCloseTo(180, 3);
    expect(multiLabelLoss(logits, tf.tensor2d([[0, 1]])).dataSync()[0]).toBeCloseTo(90, 3);
    const slope = tf
      .grad((x) => focalLoss(x, tf.tensor1d([0], 'int32')))(logits)
      .dataSync();
    expect(Array.from(slope)).toEqual([0, 0].map(() => expect.closeTo(0, 5) as number));
  });

  it('do not count a positive that belongs to another anchor too', () => {
    const vectors = tf.tensor2d([
      [1, 0],
      [1, 0],
    ]);
    const alike = tf.ones([2, 2]);
    expect(contrastiveLoss(vectors, vectors, {}, { alike }).dataSync()[0]).toBeCloseTo(0, 6);
    expect(contrastiveLoss(vectors, vectors).dataSync()[0]).toBeCloseTo(Math.log(2), 5);
  });

  it('refuse options and labels that cannot be', () => {
    const logits = tf.zeros([1, 2]);
    const labels = tf.tensor1d([0], 'int32');
    expect(() => focalLoss(logits, labels, { gamma: -1 })).toThrow(/E_OPTION.*gamma/);
    expect(() => focalLoss(logits, labels, { classWeights: [-1, 2] })).toThrow(/E_OPTION.*classWeights/);
    expect(() => multiLabelLoss(logits, logits, { labelSmoothing: 1 })).toThrow(/E_OPTION.*labelSmoothing/);
    expect(() => regressionLoss(logits, logits, { delta: 0 })).toThrow(/E_OPTION.*delta/);
    expect(() => contrastiveLoss(logits, logits, { temperature: 0 })).toThrow(/E_OPTION.*temperature/);
    const pair = { chosen: logits, rejected: logits };
    expect(() => preferenceLoss(pair, pair, { labelSmoothing: 0.5 })).toThrow(/E_OPTION.*labelSmoothing/);
    expect(() => balancedClassWeights([0, 2], 2)).toThrow(/E_OBJECTIVE_DATA.*label 1 is 2/);
    expect(() => balancedClassWeights([], 2)).toThrow(/E_OBJECTIVE_DATA.*no labels/);
  });
});
