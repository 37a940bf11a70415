import path from 'node:path';
import { disposeModel, selectBackend } from '@tesserae/core';
import { loadPretrained } from '@tesserae/hub';
import { evaluate, perplexity } from '@tesserae/trainer';
import { expect, it } from 'vitest';

/** Mean nats of transformers 5.18 for the ids below, by the windows of its guide and each window's own count of tokens. */
it.each([
  [16, 8, 13.494731941479165],
  [32, 31, 12.9394006601116],
  [20, 3, 13.208259355301825],
])(
  'perplexity with windows of %i and a stride of %i is that of transformers',
  async (contextLength, stride, wanted) => {
    await selectBackend({ prefer: 'onnx', fallback: false, log: false });
    const model = await loadPretrained(path.resolve('test/golden/gpt2'));
    const { vocabSize } = model.config;
    const data = Array.from({ length: 150 }, (_, i) => (i * i * 7 + i * 3) % vocabSize);
    const { metrics, counts } = await evaluate(model, perplexity({ data, contextLength, stride }), { progress: false });
    expect(counts.tokens).toBe(149);
    expect(Math.abs(metrics.loss.value - wanted)).toBeLessThan(2e-5);
    disposeModel(model);
  },
);
