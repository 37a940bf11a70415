/** A process of its own for one way and one length: `measure.ts WAY LENGTH` prints seconds and bytes as JSON. */
import { readFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import { attention, compile, createKey, normal, selectBackend, sparseAttention } from '@tesserae/core';
import { ways } from './attend';
import { timing } from './setting';

/** What one process found. */
export interface Measured {
  readonly forwardSeconds: number;
  readonly trainingSeconds: number;
  /** How far memory rose while the gradients were made, beyond what stood before. */
  readonly trainingBytes: number;
}

/** The largest resident memory since the last reset, in bytes. */
function peakBytes(): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (line) return Number(line[1]) * 1024;
  } catch {
    // no such file on this system
  }
  return process.resourceUsage().maxRSS * 1024;
}

function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // then the peak is that of the whole process
  }
}

/** The shortest of several runs, the first of which also fetches memory; fewer where one takes long. */
function fastest(run: () => tf.Tensor[]): number {
  let best = Infinity;
  for (let spent = 0, times = 0; spent < 2.5 && (times < 6 || spent < 0.4); times++) {
    const start = performance.now();
    const results = run();
    for (const result of results) result.dataSync();
    const seconds = (performance.now() - start) / 1000;
    tf.dispose(results);
    best = Math.min(best, seconds);
    spent += seconds;
  }
  return best;
}

async function main(): Promise<void> {
  const [name, length] = [process.argv[2], Number(process.argv[3])];
  const { pattern, standard } = ways().find((way) => way.name === name)!;
  await selectBackend({ prefer: 'onnx', log: false });
  if (standard) await useOnnx({ nativeKernels: false });
  const draw = (seed: number): tf.Tensor =>
    tf.tensor(normal(createKey(seed), timing.heads * length * timing.features), [
      1,
      timing.heads,
      length,
      timing.features,
    ]);
  const inputs = [draw(1), draw(2), draw(3)]; // [1, H, T, E] each
  const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
    pattern ? sparseAttention(q, k, v, { pattern }) : attention(q, k, v, { causal: true });
  const forward = compile((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => [attend(q, k, v)]);
  const training = compile((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => {
    const { value, grads } = tf.valueAndGrads((...x: tf.Tensor[]) => tf.sum(tf.square(attend(x[0], x[1], x[2]))))([
      q,
      k,
      v,
    ]);
    return [value, ...grads];
  });
  const [q, k, v] = inputs;
  training.prepare(q, k, v);
  resetPeak();
  const before = process.memoryUsage().rss;
  const trainingSeconds = fastest(() => training(q, k, v));
  const trainingBytes = peakBytes() - before;
  const forwardSeconds = fastest(() => forward(q, k, v));
  console.log(JSON.stringify({ forwardSeconds, trainingSeconds, trainingBytes } satisfies Measured));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
