import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useOnnx } from '@tesserae/backend-onnx';
import { beforeAll, expect, it } from 'vitest';
import { compiler, exactly, plainOf, tensorOf } from '../support/compareBackends';
import { registerTensorFlowGradients } from '../support/gradients';
import { gptParameters, gptStep } from '../support/smallGpt';

beforeAll(registerTensorFlowGradients);

const size = { D: 16, L: 1, H: 2, T: 8, B: 2, V: 13 };
const parameters = gptParameters(size);
const zeros = parameters.map(({ shape, dtype, values }) => ({ shape, dtype, values: values.map(() => 0) }));
const ids = (shift: number): ReturnType<typeof exactly> =>
  exactly(
    Array.from({ length: size.B * size.T }, (_, i) => ((i + shift) * 7) % size.V),
    'int32',
    [size.B, size.T],
  );
const count = parameters.length;

async function train(
  steps: number,
  run: (inputs: tf.Tensor[]) => tf.Tensor[],
): Promise<{ losses: number[]; state: tf.Tensor[] }> {
  const [x, y] = [tensorOf(ids(0)), tensorOf(ids(1))];
  let state = [...parameters, ...zeros, ...zeros].map(tensorOf);
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const at = tf.scalar(step);
    const [loss, ...next] = run([x, y, at, ...state]);
    losses.push(loss.dataSync()[0]);
    tf.dispose([loss, at, ...state.filter((tensor) => !tensor.isDisposed)]);
    state = next;
  }
  tf.dispose([x, y]);
  return { losses, state };
}

it('trains as the reference backend does, in place', async () => {
  const fn = gptStep(size, count);
  await tf.setBackend('cpu');
  const expected = await train(5, (inputs) => tf.tidy(() => fn(inputs)));
  const reference = expected.state.map(plainOf);
  tf.dispose(expected.state);

  await useOnnx({ threads: 2 });
  const shapes = [ids(0), ids(1), exactly([1], 'float32', []), ...parameters, ...zeros, ...zeros];
  const program = compiler()(fn, { name: 'step', inputs: shapes, donated: shapes.map((_, i) => i > 2) });
  // Every moment, and every parameter whose last use comes before its update.
  expect(program.inPlaceOutputs).toBeGreaterThanOrEqual(2 * count);
  const before = tf.memory().numTensors;
  const found = await train(5, (inputs) => program.run(inputs));
  found.losses.forEach((loss, i) => expect(Math.abs(loss - expected.losses[i])).toBeLessThan(1e-5));
  expect(expected.losses[4]).toBeLessThan(expected.losses[0]);
  found.state.forEach((tensor, i) => {
    const got = plainOf(tensor).values;
    reference[i].values.forEach((value, j) => expect(Math.abs(got[j] - value)).toBeLessThan(2e-5));
  });
  expect(tf.memory().numTensors).toBe(before + found.state.length);
  tf.dispose(found.state);
  program.dispose();
});

it('neither leaks tensors nor memory over a thousand steps', async () => {
  await useOnnx({ threads: 1 });
  const small = { D: 4, L: 1, H: 1, T: 4, B: 1, V: 13 };
  const start = gptParameters(small);
  const fn = gptStep(small, start.length);
  const batch = exactly([1, 2, 3, 4], 'int32', [1, 4]);
  const inputs = [batch, batch, exactly([1], 'float32', []), ...start, ...start, ...start];
  const program = compiler()(fn, { name: 'step', inputs, donated: inputs.map((_, i) => i > 2) });
  let state = [
    ...start,
    ...start.map((p) => ({ ...p, values: p.values.map(() => 0) })),
    ...start.map((p) => ({ ...p, values: p.values.map(() => 0) })),
  ].map(tensorOf);
  const seen = new Set<string>();
  for (let step = 1; step <= 1000; step++) {
    const [x, y, at] = [tensorOf(batch), tensorOf(batch), tf.scalar(step)];
    const [loss, ...next] = program.run([x, y, at, ...state]);
    state = next;
    tf.dispose([x, y, at, loss]);
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const { numBytesInPool } = tf.memory() as unknown as { numBytesInPool: number };
    if (step > 2)
      seen.add(JSON.stringify([numTensors, numDataBuffers, numBytes, numBytesInPool, tf.backend().numDataIds()]));
  }
  expect([...seen]).toHaveLength(1);
  expect(state[0].dataSync().every(Number.isFinite)).toBe(true);
  tf.dispose(state);
  program.dispose();
});
