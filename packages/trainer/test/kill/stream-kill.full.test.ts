import { describe, expect, it } from 'vitest';
import { expectTheSame, killAndResume } from './kill-and-resume';
import { STEPS } from './killable-run';

const stream = { kills: 20, longest: 2500, program: 'stream-child.ts' };

describe('kill -9 in the middle of an epoch', () => {
  it.each([
    ['cpu', 'main'],
    ['onnx', 'worker'],
  ])('costs nothing but time on %s, data prepared in %s: twenty kills', async (backend, prepareIn) => {
    const report = await killAndResume({ ...stream, backend, words: [prepareIn] });
    expect(report.kills.length).toBe(20);
    expect(report.uninterrupted.result.losses.length).toBe(STEPS);
    expectTheSame(report);
  });

  it('leaves a log with every step once, of a run that goes back and ends early: twenty kills', async () => {
    const report = await killAndResume({ ...stream, backend: 'onnx', words: ['main', 'watched'] });
    const { rollbacks, stopped, losses } = report.uninterrupted.result;
    expect(rollbacks.length).toBeGreaterThan(0);
    expect([stopped, losses.length < STEPS]).toEqual(['callback', true]);
    expectTheSame(report);
  });
});
