import * as tf from '@tensorflow/tfjs-core';
import { compile } from '@tesserae/core';
import type { ForwardInputs, HeadTargets, Model } from '@tesserae/core';
import { adamwStep, stepScalars } from './adamw';
import type { Moments, StepScalars } from './adamw';
import { flatten } from './check-gradients';
import type { GoldenFolder } from './golden';
import { lossAndGradients } from './loss';
import { compareNumber, tolerances } from './report';
import type { VerifyRow } from './report';

/** Trains on the forward inputs, every step the same, and compares the loss before each step and after the last. */
export async function checkTraining(
  model: Model,
  { golden }: GoldenFolder,
  inputs: ForwardInputs,
  targets: HeadTargets,
): Promise<VerifyRow[]> {
  const training = golden.adamw_training!;
  const flat = flatten(model);
  const step = compile(
    (params: tf.Tensor[], moments: Moments, given: ForwardInputs, wanted: HeadTargets, scalars: StepScalars) => {
      const { loss, grads } = lossAndGradients(model, flat.build, params, given, wanted);
      const next = adamwStep(params, grads, moments, scalars, training);
      return { loss, ...next, params: next.params.map((one, i) => (flat.trainable[i] ? one : tf.clone(params[i]))) };
    },
    { name: 'verify training', donate: [0, 1] },
  );
  const zeros = (): tf.Tensor[] => flat.tensors.map((tensor) => tf.zerosLike(tensor));
  let state: { params: tf.Tensor[]; moments: Moments } = {
    params: flat.tensors.map((tensor) => tf.clone(tensor)),
    moments: { first: zeros(), second: zeros() },
  };
  const losses: number[] = [];
  try {
    for (let t = 1; t <= training.losses.length; t++) {
      const scalars = stepScalars(training, t) as unknown as StepScalars;
      const { loss, ...next } = await step.runAsync(state.params, state.moments, inputs, targets, scalars);
      state = next;
      losses.push((await loss.data())[0]);
      loss.dispose();
    }
  } finally {
    tf.dispose(state as unknown as tf.TensorContainer);
    step.dispose();
  }
  return training.losses.map((expected, i) => {
    const tolerance = i === 0 ? tolerances.loss : tolerances.training;
    return compareNumber(`adamw_training.losses.${i}`, losses[i], expected, tolerance);
  });
}
