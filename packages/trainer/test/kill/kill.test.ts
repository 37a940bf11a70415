import { describe, expect, it } from 'vitest';
import { killAndResume } from './kill-and-resume';

describe('kill -9 at a random moment', () => {
  it('costs nothing but time: three kills', async () => {
    const { kills, uninterrupted, resumed } = await killAndResume('cpu', 3, 1500);
    expect(uninterrupted.losses.length).toBe(160);
    expect(resumed.length).toBeGreaterThan(0);
    for (const { losses, parameters } of resumed) {
      expect(losses, `killed after ${kills.join(', ')} ms`).toEqual(uninterrupted.losses);
      expect(parameters).toBe(uninterrupted.parameters);
    }
  }, 120_000);
});
