/**
 * A process of its own for one way: `measure.ts WAY time` prints its seconds at every length, `measure.ts WAY memory LENGTH`
 * the bytes at one, as JSON.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import { attention, compile, createKey, normal, selectBackend, sparseAttention } from '@tesserae/core';
import { lengthsOf, ways } from './attend';
import type { Way } from './attend';
import { timing } from './setting';

/** Median seconds of one way at one length. */
export interface Seconds {
  readonly forwardSeconds: number;
  readonly trainingSeconds: number;
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

/** One way at one length, ready to run: attention alone, and with its gradients. */
interface Ready {
  forward(): tf.Tensor[];
  training(): tf.Tensor[];
}

function prepare({ pattern }: Way, length: number): Ready {
  const { heads, features } = timing;
  const draw = (seed: number): tf.Tensor =>
    tf.tensor(normal(createKey(seed), heads * length * features), [1, heads, length, features]);
  const [q, k, v] = [draw(1), draw(2), draw(3)]; // [1, H, T, E] each
  const attend = (query: tf.Tensor, key: tf.Tensor, value: tf.Tensor): tf.Tensor =>
    pattern ? sparseAttention(query, key, value, { pattern }) : attention(query, key, value, { causal: true });
  const forward = compile((...x: [tf.Tensor, tf.Tensor, tf.Tensor]) => [attend(...x)]);
  const training = compile((...x: [tf.Tensor, tf.Tensor, tf.Tensor]) => {
    const loss = (...y: tf.Tensor[]): tf.Scalar => tf.sum(tf.square(attend(y[0], y[1], y[2])));
    const { value, grads } = tf.valueAndGrads(loss)(x);
    return [value, ...grads];
  });
  training.prepare(q, k, v);
  return { forward: () => forward(q, k, v), training: () => training(q, k, v) };
}

function run(program: () => tf.Tensor[]): number {
  const start = performance.now();
  const results = program();
  for (const result of results) result.dataSync();
  const seconds = (performance.now() - start) / 1000;
  tf.dispose(results);
  return seconds;
}

function median(values: readonly number[]): number {
  const sorted = values.slice().sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Every length in turn, again and again, so that whatever else the machine does befalls all of them alike. The first
 * round only fetches memory.
 */
function time(way: Way): Seconds[] {
  const ready = lengthsOf(way).map((length) => prepare(way, length));
  const seconds = ready.map(() => ({ forward: [] as number[], training: [] as number[] }));
  const start = performance.now();
  const { rounds, leastRounds, secondsEach } = timing;
  for (let round = 0; round <= rounds; round++) {
    if (round > leastRounds && performance.now() - start > secondsEach * 1000) break;
    ready.forEach((program, at) => {
      const once = { training: run(program.training), forward: run(program.forward) };
      if (round === 0) return;
      seconds[at].training.push(once.training);
      seconds[at].forward.push(once.forward);
    });
  }
  return seconds.map(({ forward, training }) => ({
    forwardSeconds: median(forward),
    trainingSeconds: median(training),
  }));
}

/** How far memory rose while the gradients were made, beyond what stood before, in bytes. */
function memory(way: Way, length: number): number {
  const { training } = prepare(way, length);
  resetPeak();
  const before = process.memoryUsage().rss;
  run(training);
  run(training);
  return peakBytes() - before;
}

async function main(): Promise<void> {
  const [name, what, length] = process.argv.slice(2);
  const way = ways().find((one) => one.name === name)!;
  await selectBackend({ prefer: 'onnx', log: false });
  if (way.standard) await useOnnx({ nativeKernels: false });
  console.log(JSON.stringify(what === 'time' ? time(way) : memory(way, Number(length))));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
