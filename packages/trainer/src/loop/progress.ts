import { createProgress } from '@tesserae/display';
import type { EvaluationRecord, RollbackRecord, StepRecord } from './history';
import type { Settings } from './settings';

/** What the loop tells whoever shows progress. */
export interface TrainingProgress {
  step(record: StepRecord): void;
  evaluated(record: EvaluationRecord): void;
  rolledBack(record: RollbackRecord): void;
  end(): void;
}

const silent: TrainingProgress = {
  step: () => undefined,
  evaluated: () => undefined,
  rolledBack: () => undefined,
  end: () => undefined,
};

/** Progress in the terminal or notebook, or nothing when the options say so. */
export function openProgress({ progress, steps, rows, contextLength }: Settings, made: number): TrainingProgress {
  if (!progress || made >= steps) return silent;
  const bar = createProgress({ total: steps, start: made, label: 'training', workPerStep: rows * contextLength });
  return {
    step: ({ step, loss, learningRate }) => bar.update(step, { loss, learningRate }),
    evaluated: ({ step, loss }) => bar.update(step, { validationLoss: loss }),
    rolledBack: ({ step, to, reason }) => bar.note(`step ${step}: ${reason}; back to the state after step ${to}`),
    end: () => bar.end(),
  };
}
