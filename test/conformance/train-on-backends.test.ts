import { diagnoseNodeGpu } from '@tesserae/backend-node-gpu';
import { selectBackend } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { trainSmallGpt } from './train-small-gpt';
import type { ShortRun } from './train-small-gpt';

const { missing } = diagnoseNodeGpu('@tensorflow/tfjs-node');
const others = [
  { name: 'onnx', absent: undefined },
  { name: 'wasm', absent: undefined },
  { name: 'tfjs-node', absent: missing && `${missing.detail}; ${missing.fix}` },
] as const;

/** TensorFlow's threads spin while they wait: on a busy machine that takes its time. */
const patience = 300_000;

describe.each(['gpt2', 'llama'] as const)('the same training, one run of %s per backend', (form) => {
  let reference: ShortRun;
  beforeAll(async () => {
    await selectBackend({ prefer: 'cpu', fallback: false, log: false });
    reference = await trainSmallGpt(form);
  });

  it('learns on plain JavaScript', () => {
    const { losses, leaked } = reference;
    expect(losses[0]).toBeCloseTo(Math.log(48), 0);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) - 0.3);
    expect(leaked).toBe(0);
  });

  for (const { name, absent } of others) {
    it.skipIf(absent !== undefined)(
      `gives the same losses on ${name}${absent ? ` (skipped: ${absent})` : ''}`,
      async () => {
        const selected = await selectBackend({ prefer: name, fallback: false, log: false });
        expect(selected.name).toBe(name);
        const run = await trainSmallGpt(form);
        expect(run.leaked).toBe(0);
        run.losses.forEach((loss, step) =>
          expect(Math.abs(loss - (reference.losses[step] as number))).toBeLessThan(2e-4),
        );
        run.gradientNorms.forEach((norm, step) => {
          const expected = reference.gradientNorms[step] as number;
          expect(Math.abs(norm - expected) / expected).toBeLessThan(2e-3);
        });
      },
      patience,
    );
  }
});
