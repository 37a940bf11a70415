import { constant, cosine, linearDecay } from '@tesserae/trainer';
import type { Schedule } from '@tesserae/trainer';
import { describe, expect, it } from 'vitest';
import { goldenFile } from '../golden-file';

interface Golden {
  cases: { name: string; base_lr: number; lr: number[]; kwargs: Record<string, number> }[];
}
const golden = goldenFile<Golden>('ops_schedules');

const learningRate = 0.01;
const warm = { learningRate, warmupSteps: 10, totalSteps: 50 };
const table: [string, Schedule][] = [
  ['constant', constant({ learningRate })],
  ['constant_with_warmup', constant({ learningRate, warmupSteps: 10 })],
  ['linear_with_warmup', linearDecay(warm)],
  ['polynomial_linear', linearDecay({ ...warm, totalSteps: 42, minimumLearningRate: 1e-7 })],
  ['cosine_with_warmup', cosine(warm)],
  ['cosine_with_warmup_cycles', cosine({ ...warm, cycles: 0.75 })],
  ['cosine_with_min_lr', cosine({ ...warm, minimumLearningRate: 0.001 })],
  ['cosine_annealing', cosine({ learningRate, totalSteps: 50, minimumLearningRate: 1e-5 })],
];

describe('schedules', () => {
  it.each(table)('%s equals the reference at every step', (name, schedule) => {
    const reference = golden.cases.find((one) => one.name === name);
    expect(reference?.lr.length).toBe(51);
    reference?.lr.forEach((rate, step) => {
      expect(Math.abs(schedule(step) - rate)).toBeLessThanOrEqual(1e-12 * reference.base_lr);
    });
  });
  it('stay at their end', () => {
    expect(linearDecay({ ...warm, minimumLearningRate: 0.002 })(1000)).toBe(0.002);
    expect(cosine({ ...warm, minimumLearningRate: 0.002 })(1000)).toBe(0.002);
    expect(linearDecay({ learningRate, totalSteps: 5, warmupSteps: 5 })(5)).toBe(0);
  });
  it('describe themselves', () => {
    expect(linearDecay(warm).scheduleName).toBe('linear');
    expect(linearDecay(warm).hyperparameters).toEqual({ ...warm, minimumLearningRate: 0 });
  });
  it('refuse what cannot be', () => {
    expect(() => cosine({ learningRate } as never)).toThrow(
      "[trainer/cosine] E_OPTION: the option 'totalSteps' is missing; expected a whole number ≥ 1; add totalSteps",
    );
    expect(() => linearDecay({ ...warm, warmupSteps: 51 })).toThrow('51 warm-up steps do not fit into 50 steps');
    expect(() => linearDecay({ ...warm, minimumLearningRate: 1 })).toThrow(
      'minimumLearningRate 1 is above learningRate 0.01',
    );
    expect(() => constant({ learningRate: 1, warmup: 3 } as never)).toThrow("did you mean 'warmupSteps'?");
    expect(() => constant({ learningRate: 1 })(-1)).toThrow('a step must be a whole number ≥ 0, found -1');
  });
});
