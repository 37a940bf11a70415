import { tesseraeError } from '@tesserae/registry';
import type { StepRecord, TrainingHistory } from './history';

const describeCheckpoint = (folder: string | undefined): string =>
  folder === undefined ? 'there is no checkpoint' : `the last good checkpoint is ${folder}`;

/** The loss or the gradients are no numbers any more: from here on nothing can be learned. */
export function nonFinite(record: StepRecord, lastCheckpoint: string | undefined, history: TrainingHistory): Error {
  const { step, loss, gradientNorm, learningRate } = record;
  const numbers = `loss ${loss}, gradient norm ${gradientNorm}, learning rate ${learningRate}`;
  return tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_NON_FINITE_LOSS',
    message: `step ${step} is not finite (${numbers}); ${describeCheckpoint(lastCheckpoint)}`,
    fix:
      lastCheckpoint === undefined
        ? 'lower the learning rate or gradientClipNorm, warm up longer, and start again'
        : 'lower the learning rate or gradientClipNorm, warm up longer, and start from that checkpoint',
    details: { step, loss, gradientNorm, learningRate, lastCheckpoint, history },
  });
}

/** The signal came: says where the run stands and how to go on. */
export function aborted(step: number, steps: number, checkpoint: string | undefined, history: TrainingHistory): Error {
  return tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_ABORTED',
    message: `stopped by the signal after ${step} of ${steps} steps; ${
      checkpoint === undefined ? 'nothing was saved' : `saved as ${checkpoint}`
    }`,
    fix:
      checkpoint === undefined
        ? "give checkpoint.folder to be able to continue, or whenAborted: 'return' to keep the model"
        : 'call train again with the same options and resume: true to continue',
    details: { step, steps, checkpoint, history },
  });
}

/** A schedule that gives no rate. */
export const badRate = (step: number, rate: unknown): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_SCHEDULE',
    message: `the schedule gave ${String(rate)} as the learning rate of step ${step}`,
    fix: 'return a finite number ≥ 0 for every step',
    details: { step, rate },
  });

/** Scores that are no numbers by name. */
export const badMetrics = (metrics: unknown): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_METRIC',
    message: `metrics gave ${JSON.stringify(metrics) ?? String(metrics)}`,
    fix: 'return an object of numbers by name, such as { accuracy: 0.9 }',
  });
