import { describe, expect, it } from 'vitest';
import { expectTheSame, killAndResume } from './kill-and-resume';
import { STEPS } from './killable-run';

describe('kill -9 at a random moment', () => {
  it('costs nothing but time: three kills', async () => {
    const report = await killAndResume({ backend: 'cpu', kills: 3, longest: 1500 });
    expect(report.uninterrupted.result.losses.length).toBe(STEPS);
    expectTheSame(report);
  }, 120_000);
});
