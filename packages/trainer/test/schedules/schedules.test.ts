import {
  chain,
  constant,
  cosine,
  cosineRestarts,
  drawSchedule,
  exponential,
  inverseSquareRoot,
  linearDecay,
  oneCycle,
  polynomial,
  reduceOnPlateau,
  stepDecay,
  warmup,
  warmupStableDecay,
} from '@tesserae/trainer';
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
  ['cosine_with_restarts', cosineRestarts({ ...warm, cycles: 3 })],
  [
    'cosine_annealing_warm_restarts',
    cosineRestarts({ learningRate, cycleSteps: 10, cycleGrowth: 2, minimumLearningRate: 1e-5 }),
  ],
  ['polynomial', polynomial({ ...warm, power: 2, minimumLearningRate: 1e-7 })],
  ['polynomial_linear', polynomial({ ...warm, totalSteps: 42, minimumLearningRate: 1e-7 })],
  ['inverse_sqrt', inverseSquareRoot({ learningRate, warmupSteps: 10 })],
  ['inverse_sqrt_timescale', inverseSquareRoot({ learningRate, warmupSteps: 10, timescale: 5 })],
  [
    'wsd_cosine',
    warmupStableDecay({ learningRate, warmupSteps: 10, decaySteps: 12, totalSteps: 42, minimumLearningRate: 0.001 }),
  ],
  ['wsd_linear', warmupStableDecay({ ...warm, decaySteps: 15, decaySlope: 'linear', warmupSlope: 'linear' })],
  ['wsd_1_sqrt', warmupStableDecay({ ...warm, decaySteps: 14, decaySlope: '1-sqrt', minimumLearningRate: 0.0005 })],
  ['exponential', exponential({ learningRate, decay: 0.95 })],
  ['step', stepDecay({ learningRate, everySteps: 12, factor: 0.5 })],
  ['multistep', stepDecay({ learningRate, milestones: [10, 30], factor: 0.2 })],
  ['one_cycle', oneCycle({ learningRate, totalSteps: 51 })],
  ['linear_lr', warmup(30, { from: 0.002 }).then(constant({ learningRate: 0.009 }))],
  ['cosine_with_warmup', warmup(10).then(cosine({ learningRate, totalSteps: 40 }))],
  [
    'wsd_linear',
    chain([
      { schedule: warmup(10).then(constant({ learningRate })), steps: 35 },
      { schedule: linearDecay({ learningRate, totalSteps: 15 }) },
    ]),
  ],
];
/** No reference schedule is left out. */
const covered = new Set(table.map(([name]) => name));

describe('schedules', () => {
  it.each(table)('%s equals the reference at every step', (name, schedule) => {
    const reference = golden.cases.find((one) => one.name === name);
    expect(reference?.lr.length).toBe(51);
    reference?.lr.forEach((rate, step) => {
      expect(Math.abs(schedule(step) - rate)).toBeLessThanOrEqual(1e-12 * reference.base_lr);
    });
  });
  it('covers every reference schedule', () => {
    expect(golden.cases.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  });
  it('falls on a plateau where PyTorch does', () => {
    // ReduceLROnPlateau(factor=0.5, patience=2, threshold=1e-2, cooldown=1, min_lr=1e-3), one loss an evaluation
    const losses = [3, 2.5, 2.49, 2.48, 2.5, 2.6, 2.7, 2.7, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4];
    const expected = [
      0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.0025, 0.0025, 0.0025, 0.0025, 0.00125,
      0.00125, 0.00125, 0.00125, 0.001,
    ];
    const schedule = reduceOnPlateau({
      learningRate,
      factor: 0.5,
      patience: 2,
      threshold: 1e-2,
      cooldown: 1,
      minimumLearningRate: 1e-3,
    });
    const measured = losses.map((loss, i) => ({ step: 5 * (i + 1), loss }));
    const found = losses.map((_, i) => schedule(5 * (i + 1), measured.slice(0, i + 1)));
    found.forEach((rate, i) => expect(rate).toBeCloseTo(expected[i], 12));
    // What comes later than the step does not count, so that a repeated step repeats its rate.
    expect(schedule(5, measured)).toBe(learningRate);
  });
  it('compose, each counting from its own first step', () => {
    const plateau = reduceOnPlateau({ learningRate: 1, factor: 0.5, patience: 0 });
    const schedule = warmup(10).then(plateau);
    expect([0, 5, 10].map((step) => schedule(step))).toEqual([0, 0.5, 1]);
    const measured = [4, 8, 12, 16].map((step) => ({ step, loss: 1 })); // the first two belong to the warm-up
    expect(schedule(17, measured)).toBe(0.5);
    expect(schedule.hyperparameters).toMatchObject({ learningRate: 1, warmupSteps: 10, then: 'reduce-on-plateau' });
  });
  it('are drawn by one call', async () => {
    const { svg } = await drawSchedule(
      { cosine: cosine(warm), steps: stepDecay({ learningRate, everySteps: 9 }) },
      { steps: 60 },
    );
    expect(svg).toContain('learning rate');
    await expect(drawSchedule({}, { steps: 3 })).rejects.toThrow('there is no schedule to draw');
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
    expect(() => stepDecay({ learningRate: 1 })).toThrow('give everySteps or milestones');
    expect(() => stepDecay({ learningRate: 1, milestones: [3, 2] })).toThrow('whole numbers ≥ 1 in rising order');
    expect(() => cosineRestarts({ learningRate: 1, cycleSteps: 2, totalSteps: 4 })).toThrow('not by both or neither');
    expect(() => warmupStableDecay({ ...warm, decaySteps: 45 })).toThrow('do not fit into 50 steps');
    expect(() => warmup(3).then('cosine' as never)).toThrow('expected a schedule, found "cosine"');
    expect(() => chain([{ schedule: constant({ learningRate: 1 }) }, { schedule: cosine(warm) }])).toThrow(
      'part 1 lasts undefined steps',
    );
    expect(() => constant({ learningRate: 1 })(-1)).toThrow('a step must be a whole number ≥ 0, found -1');
  });
});
