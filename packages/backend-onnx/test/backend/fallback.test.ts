import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useOnnx } from '@tesserae/backend-onnx';
import { expect, it } from 'vitest';
import { cleanly, compiler, plainOf, random, tensorOf } from '../support/compareBackends';

it('computes, traces and updates on the JavaScript layer of onnxruntime-node as well', async () => {
  const backend = await useOnnx({ runtime: { prefer: 'onnxruntime-node' } });
  expect(backend.runtime.kind).toBe('onnxruntime-node');
  const [a, b] = [random([16, 16]), random([16, 16])];
  const fn = ([x, y]: tf.Tensor[]): tf.Tensor[] => [
    tf.sub(x, tf.mul(y, 0.1)),
    tf.sum(tf.matMul(y as tf.Tensor2D, y as tf.Tensor2D)),
  ];
  await tf.setBackend('cpu');
  const expected = cleanly(() => fn([a, b].map(tensorOf)).map(plainOf));
  await tf.setBackend('onnx');
  const eager = cleanly(() => fn([a, b].map(tensorOf)).map(plainOf));
  const program = compiler()(fn, { name: 'step', inputs: [a, b], donated: [true, false] });
  expect(program.inPlaceOutputs).toBe(1);
  const traced = cleanly(() => program.run([tf.mul(tensorOf(a), 1), tensorOf(b)]).map(plainOf));
  program.dispose();
  for (const found of [eager, traced]) {
    found.forEach(({ values }, i) => values.forEach((value, j) => expect(value).toBeCloseTo(expected[i].values[j], 3)));
  }
  await expect(useOnnx({ runtime: { prefer: 'c-api' } })).rejects.toThrow('E_BACKEND_OPTION');

  // A backend that is removed frees its programs; the next one may use another runtime.
  const left = compiler()(fn, { name: 'step', inputs: [a, b], donated: [false, false] });
  await tf.setBackend('cpu');
  tf.removeBackend('onnx');
  expect(() => left.run([])).toThrow('E_PROGRAM_DISPOSED');
  const next = await useOnnx({ runtime: { prefer: 'c-api' } });
  expect(next.runtime.kind).toBe('c-api');
  expect(cleanly(() => tf.square(tf.tensor1d([3])).dataSync()[0])).toBe(9);
});
