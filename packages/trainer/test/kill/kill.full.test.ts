import { describe, expect, it } from 'vitest';
import { expectTheSame, killAndResume } from './kill-and-resume';
import { STEPS } from './killable-run';

describe('kill -9 at a random moment', () => {
  it.each(['cpu', 'onnx'])('costs nothing but time on %s: twenty kills', async (backend) => {
    const report = await killAndResume({ backend, kills: 20, longest: 2500 });
    expect(report.kills.length).toBe(20);
    expect(report.uninterrupted.result.losses.length).toBe(STEPS);
    expectTheSame(report);
  });

  it('leaves a log with every step once, of a run that goes back and ends early: twenty kills', async () => {
    const report = await killAndResume({ backend: 'cpu', kills: 20, longest: 1500, words: ['watched'] });
    const { rollbacks, stopped, losses } = report.uninterrupted.result;
    expect(rollbacks.length).toBeGreaterThan(0);
    expect([stopped, losses.length < STEPS]).toEqual(['callback', true]);
    expectTheSame(report);
  });
});
