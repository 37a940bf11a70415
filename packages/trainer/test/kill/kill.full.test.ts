import { describe, expect, it } from 'vitest';
import { killAndResume } from './kill-and-resume';

describe('kill -9 at a random moment', () => {
  it.each(['cpu', 'onnx'])('costs nothing but time on %s: twenty kills', async (backend) => {
    const { kills, uninterrupted, resumed } = await killAndResume(backend, 20, 2500);
    expect(kills.length).toBe(20);
    for (const { losses, parameters } of resumed) {
      expect(losses, `killed after ${kills.join(', ')} ms`).toEqual(uninterrupted.losses);
      expect(parameters).toBe(uninterrupted.parameters);
    }
  });
});
