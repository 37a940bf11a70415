import { createRegistry } from '@tesserae/registry';
import { describePluginContract } from '@tesserae/registry/testing';
import {
  adafactor,
  adam,
  adamw,
  constant,
  cosine,
  cosineRestarts,
  exponential,
  inverseSquareRoot,
  linearDecay,
  lion,
  muon,
  oneCycle,
  polynomial,
  reduceOnPlateau,
  sgd,
  stepDecay,
  warmupStableDecay,
} from '@tesserae/trainer';
import type { Optimizer, Schedule } from '@tesserae/trainer';
import { describe, expect, it } from 'vitest';

const checkOptimizer = ({ init, update }: Optimizer): void => {
  expect(typeof init).toBe('function');
  expect(typeof update).toBe('function');
};
for (const plugin of [adafactor, adam, adamw, lion, muon, sgd]) {
  describePluginContract<Optimizer>(plugin, { describe, it, options: [{ learningRate: 0.1 }], check: checkOptimizer });
}
const checkSchedule = (schedule: Schedule): void => expect(schedule(1000)).toBeGreaterThanOrEqual(0);
for (const plugin of [constant, inverseSquareRoot, reduceOnPlateau]) {
  describePluginContract<Schedule>(plugin, { describe, it, options: [{ learningRate: 1 }], check: checkSchedule });
}
for (const plugin of [linearDecay, cosine, cosineRestarts, polynomial, oneCycle]) {
  const options = [{ learningRate: 1, totalSteps: 100 }] as const;
  describePluginContract<Schedule>(plugin, { describe, it, options, check: checkSchedule });
}
const exponentialOptions = [{ learningRate: 1, decay: 0.9 }] as const;
describePluginContract<Schedule>(exponential, { describe, it, options: exponentialOptions, check: checkSchedule });
const stepOptions = [{ learningRate: 1, everySteps: 9 }] as const;
describePluginContract<Schedule>(stepDecay, { describe, it, options: stepOptions, check: checkSchedule });
const stableOptions = [{ learningRate: 1, totalSteps: 100, decaySteps: 20 }] as const;
describePluginContract<Schedule>(warmupStableDecay, { describe, it, options: stableOptions, check: checkSchedule });

describe('a registry of the trainer', () => {
  const kit = createRegistry([adamw, sgd, cosine]);
  it('makes optimizers and schedules by name', async () => {
    const optimizer = await kit.create('optimizer', 'adamw', { weightDecay: 0.1 });
    expect(optimizer.hyperparameters.weightDecay).toBe(0.1);
    const schedule = await kit.create('schedule', 'cosine', { learningRate: 0.5, totalSteps: 10 });
    expect(schedule(0)).toBe(0.5);
  });
  it('passes on what is wrong with their options', async () => {
    const wrong = { weightdecay: 0.1 } as never;
    await expect(kit.create('optimizer', 'adamw', wrong)).rejects.toThrow("did you mean 'weightDecay'?");
  });
});
