// What every run that expects to be killed does: it resumes from whatever it finds, and writes down what came of it.
import '@tensorflow/tfjs-backend-cpu';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs-core';
import { flattenParams, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { adamw, earlyStopping, jsonLines, lossSpikes, train } from '@tesserae/trainer';
import type { RollbackRecord, TrainingCallback, TrainOptions } from '@tesserae/trainer';

/** Updates of a run that nothing ends before. */
export const STEPS = 160;

/** What a finished run writes. */
export interface KillResult {
  readonly losses: readonly number[];
  /** SHA-256 of all parameters. */
  readonly parameters: string;
  readonly resumedFrom: number;
  readonly rollbacks: readonly RollbackRecord[];
  readonly stopped: string;
}

/** What is trained, and with what. */
export interface KillableTraining {
  readonly start: Model;
  readonly options: Omit<TrainOptions, 'steps' | 'optimizer' | 'checkpoint' | 'resume' | 'progress' | 'callbacks'>;
  /** Go back at a spike, end early, and write a log of lines beside the folder of checkpoints: false. */
  readonly watched?: boolean;
}

const watching = (folder: string): TrainingCallback[] => [
  lossSpikes({ window: 8, deviations: 4, minimumRise: 0.3, keepEvery: 5, settleSteps: 2, mostRollbacks: 40 }),
  earlyStopping({ patience: 3, minimumChange: 0.15, afterStep: 90 }),
  jsonLines({ file: `${folder}.jsonl` }),
];

/**
 * Trains on a backend with checkpoints in a folder, a dot a step on standard output, and writes a {@link KillResult} at the end.
 *
 * @param words the backend, the folder of checkpoints, the file of the result
 */
export async function runKillable(words: readonly string[], training: () => KillableTraining): Promise<void> {
  const [backend, folder, result] = words;
  await selectBackend({ prefer: backend as never, log: false, fallback: false });
  const { start, options, watched = false } = training();
  const { model, history } = await train(start, {
    ...options,
    steps: STEPS,
    optimizer: adamw({ learningRate: 0.02 }),
    checkpoint: { folder, every: 3 },
    resume: true,
    progress: false,
    callbacks: [
      ...(watched ? watching(folder) : []),
      {
        onStep: () => void process.stdout.write('.'),
        // A killed run must never leave a checkpoint that has to be passed over, nor a log that is not what it was.
        onWarning: ({ message }) => {
          throw new Error(message);
        },
      },
    ],
  });
  const hash = createHash('sha256');
  for (const [name, tensor] of flattenParams(model.params)) hash.update(name).update((tensor as tf.Tensor).dataSync());
  const { steps, rollbacks, resumedFrom, stopped } = history;
  const losses = steps.map(({ loss }) => loss);
  const came: KillResult = {
    losses,
    parameters: hash.digest('hex'),
    resumedFrom: resumedFrom?.step ?? 0,
    rollbacks,
    stopped,
  };
  writeFileSync(result, JSON.stringify(came));
}
