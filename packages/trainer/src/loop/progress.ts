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
export function openProgress({ progress, steps }: Settings, made: number): TrainingProgress {
  if (!progress || made >= steps) return silent;
  const bar = createProgress({ total: steps, label: 'training' });
  let validation: number | undefined;
  return {
    step: ({ step, loss, learningRate, tokensPerSecond }) =>
      bar.update(step, {
        loss,
        ...(validation === undefined ? {} : { validation }),
        learningRate,
        tokensPerSecond: Math.round(tokensPerSecond),
      }),
    evaluated: ({ loss }) => (validation = loss),
    end: () => bar.end(),
  };
}
