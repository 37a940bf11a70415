import type { ArchitectureConfig, Model } from '@tesserae/core';
import { adamw, cosine, train } from '@tesserae/trainer';
import type { EvaluationResult, Objective, TrainingHistory } from '@tesserae/trainer';

/** What one family learned. */
export interface FamilyResult {
  readonly score: EvaluationResult;
  readonly history: TrainingHistory;
  readonly seconds: number;
}

/** How a family is trained in this study. */
export interface FamilySetting {
  readonly data: readonly (string | object)[];
  readonly objective: Objective;
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
}

/** Trains a fresh model the same way whatever its family. */
export async function trainFamily<C extends ArchitectureConfig>(
  model: Model<C>,
  { steps, learningRate, ...options }: FamilySetting,
): Promise<{ model: Model<C>; history: TrainingHistory; seconds: number }> {
  const start = performance.now();
  const { model: trained, history } = await train(model, {
    ...options,
    steps,
    optimizer: adamw({ beta2: 0.98, weightDecay: 0.01 }),
    schedule: cosine({
      learningRate,
      minimumLearningRate: learningRate / 20,
      warmupSteps: Math.ceil(steps / 20),
      totalSteps: steps,
    }),
    evaluateEvery: Math.ceil(steps / 10),
    evaluationBatches: 4,
    validationFraction: 0.02,
    progress: false,
  });
  return { model: trained, history, seconds: (performance.now() - start) / 1000 };
}
