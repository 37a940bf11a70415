import { diagnoseNodeGpu } from '@tesserae/backend-node-gpu';
import { selectBackend } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateGreedily } from './generate-greedily';

const { missing } = diagnoseNodeGpu('@tensorflow/tfjs-node');
const others = [
  { name: 'onnx', absent: undefined },
  { name: 'wasm', absent: undefined },
  { name: 'tfjs-node', absent: missing && `${missing.detail}; ${missing.fix}` },
] as const;

/** TensorFlow's threads spin while they wait: on a busy machine that takes its time. */
const patience = 300_000;

describe.each(['gpt2', 'llama'] as const)('greedy generation of %s', (form) => {
  let reference: number[];
  beforeAll(async () => {
    await selectBackend({ prefer: 'cpu', fallback: false, log: false });
    reference = await generateGreedily(form);
    expect(new Set(reference).size).toBeGreaterThan(4); // a text, not one token again and again
  });

  for (const { name, absent } of others) {
    it.skipIf(absent !== undefined)(
      `gives the same tokens on ${name}${absent ? ` (skipped: ${absent})` : ''}`,
      async () => {
        await selectBackend({ prefer: name, fallback: false, log: false });
        expect(await generateGreedily(form)).toEqual(reference);
      },
      patience,
    );
  }
});
