import { createProgress } from '@tesserae/display';
import type { EvaluationRecord, StepRecord } from './history';
import type { Settings } from './settings';

/** What the loop tells whoever shows progress. */
export interface TrainingProgress {
  step(record: StepRecord): void;
  evaluated(record: EvaluationRecord): void;
  end(): void;
}

const silent: TrainingProgress = { step: () => undefined, evaluated: () => undefined, end: () => undefined };

/** Progress in the terminal or notebook, or nothing when the options say so. */
export function openProgress({ progress, steps, rows, contextLength }: Settings, made: number): TrainingProgress {
  if (!progress || made >= steps) return silent;
  const bar = createProgress({ total: steps, start: made, label: 'training', workPerStep: rows * contextLength });
  return {
    step: ({ step, loss, learningRate }) => bar.update(step, { loss, learningRate }),
    evaluated: ({ step, loss }) => bar.update(step, { validationLoss: loss }),
    end: () => bar.end(),
  };
}
