import * as tf from '@tensorflow/tfjs-core';
import { adamw, train } from '@tesserae/trainer';
import type { TrainingHistory, TrainOptions } from '@tesserae/trainer';
import { expect } from 'vitest';
import { disposeModel, parameterValues, tinyIds, tinyModel } from './tiny-model';

/** What came of a run of the tiny model. */
export interface TinyOutcome {
  readonly history: TrainingHistory;
  /** The parameters at its end. */
  readonly values: number[][];
}

/** What the tiny model usually learns from and how. */
export const tinyOptions: TrainOptions = {
  data: tinyIds(400),
  steps: 12,
  batchSize: 4,
  contextLength: 8,
  optimizer: adamw({ learningRate: 0.02 }),
  progress: false,
};

/** Makes what trains a fresh tiny model: with these options, unless a run has others. No run leaves a tensor behind. */
export const tinyRuns =
  (base: Partial<TrainOptions>) =>
  async (options: Partial<TrainOptions> = {}, config: Parameters<typeof tinyModel>[0] = {}): Promise<TinyOutcome> => {
    const start = tinyModel(config);
    const before = tf.memory().numTensors;
    try {
      const { model, history, averaged } = await train(start, { ...tinyOptions, ...base, ...options });
      const values = parameterValues(model);
      disposeModel(model);
      if (averaged) disposeModel(averaged);
      return { history, values };
    } finally {
      expect(tf.memory().numTensors).toBe(before);
      disposeModel(start);
    }
  };
