import { describe, expect, it } from 'vitest';
import { killAndResume } from './kill-and-resume';

describe('kill -9 in the middle of an epoch', () => {
  it.each([
    ['cpu', 'main'],
    ['onnx', 'worker'],
  ])('costs nothing but time on %s, data prepared in %s: twenty kills', async (backend, prepareIn) => {
    const { kills, uninterrupted, resumed } = await killAndResume(backend, 20, 2500, 'kill/stream-child.ts', [
      prepareIn,
    ]);
    expect(kills.length).toBe(20);
    expect(uninterrupted.losses.length).toBe(160);
    expect(resumed.length).toBeGreaterThan(0);
    for (const { losses, parameters } of resumed) {
      expect(losses, `killed after ${kills.join(', ')} ms`).toEqual(uninterrupted.losses);
      expect(parameters).toBe(uninterrupted.parameters);
    }
  });
});
