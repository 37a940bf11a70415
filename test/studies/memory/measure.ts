/** A process of its own for one way of training: prints its peak memory in bytes and the median seconds of a step, as JSON. */
import { readFileSync } from 'node:fs';
import { createKey, createModel, integers, llama, selectBackend } from '@tesserae/core';
import { adamw, createTrainingStep } from '@tesserae/trainer';
import { setting } from './setting';
import type { Way } from './setting';

/** What one process found. */
export interface Measured {
  readonly peakBytes: number;
  readonly secondsPerStep: number;
  readonly loss: number;
}

/** The largest resident memory so far, in bytes. */
function peak(): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return line ? Number(line[1]) * 1024 : process.resourceUsage().maxRSS * 1024;
}

async function main(): Promise<void> {
  const way = process.argv[2] as Way;
  const { contextLength, batchSize, steps, form } = setting;
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const model = createModel(llama, form, { seed: 1 });
  const step = createTrainingStep(model, {
    optimizer: adamw(),
    batchSize,
    contextLength,
    gradientClipNorm: 1,
    key: createKey(1),
    ...(way === 'lean' ? { recompute: 'blocks', chunkedLoss: true } : { chunkedLoss: false }),
  });
  const ids = integers(createKey(2), batchSize * contextLength + 1, 0, form.vocabSize);
  const batch = { inputIds: ids.slice(0, -1), labels: ids.slice(1) };
  const seconds: number[] = [];
  let loss = 0;
  for (let made = 1; made <= steps + 1; made++) {
    const start = performance.now();
    ({ loss } = await step.run(batch, 1e-4, made));
    if (made > 1) seconds.push((performance.now() - start) / 1000);
  }
  seconds.sort((a, b) => a - b);
  const found: Measured = { peakBytes: peak() - before, secondsPerStep: seconds[Math.floor(seconds.length / 2)], loss };
  console.log(JSON.stringify(found));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
