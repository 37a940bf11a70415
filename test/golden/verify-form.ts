import '@tensorflow/tfjs-backend-cpu';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { useOnnx } from '@tesserae/backend-onnx';
import { verifyCheckpoint } from '@tesserae/hub';
import type { VerifyReport } from '@tesserae/hub';

const backends: Record<string, () => Promise<unknown>> = {
  cpu: () => tf.setBackend('cpu'),
  onnx: () => useOnnx(),
};

/** How many comparisons there were of each kind. */
function count(report: VerifyReport): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { what } of report.rows) {
    const kind = what.split('.')[0];
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

/** Runs everything that a fixture lists, on each backend and with both forms of its config. */
export function describeForm(name: string, expected: Record<string, number>): void {
  const folder = path.join(__dirname, name);
  describe(`${name} against the reference`, () => {
    it.each([
      ['cpu', 'config.json', false],
      ['onnx', 'config.json', false],
      ['onnx', 'config.v5.json', true],
    ] as const)('on %s by %s', async (backend, configFile, strict) => {
      await backends[backend]();
      const before = tf.memory().numTensors;
      const report = await verifyCheckpoint(folder, { configFile, strict });
      expect(report.backend).toBe(backend);
      expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
      expect(count(report)).toEqual(expected);
      expect(report.notDone).toEqual([]);
      expect(report.ok).toBe(true);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
