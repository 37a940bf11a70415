import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useOnnx } from '@tesserae/backend-onnx';
import type { FlatProgram } from '@tesserae/backend-onnx';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { cleanly, compiler, difference, exactly, plainOf, random, tensorOf } from '../support/compareBackends';
import type { Plain } from '../support/compareBackends';
import type { OnnxRuntimeBackend } from '../../src/backend/onnxBackend';

type Fn = (inputs: tf.Tensor[]) => tf.Tensor[];

/** Tensors whose memory is the backend's own, as a program's outputs are: only those are written over. */
const own = (plain: Plain): tf.Tensor => cleanOwn(tensorOf(plain));
const cleanOwn = (tensor: tf.Tensor): tf.Tensor => {
  const copy = tf.tidy(() => tf.mul(tensor, tf.scalar(1, tensor.dtype as 'float32')));
  const again = tf.tidy(() => tf.add(copy, tf.scalar(0, tensor.dtype as 'float32')));
  tf.dispose([tensor, copy]);
  return again;
};

function compile(fn: Fn, inputs: readonly Plain[], donated: readonly number[]): FlatProgram {
  return compiler()(fn, { name: 'case', inputs, donated: inputs.map((_, i) => donated.includes(i)) });
}

async function expected(fn: Fn, inputs: readonly Plain[]): Promise<Plain[]> {
  await tf.setBackend('cpu');
  const results = cleanly(() => fn(inputs.map(tensorOf)).map(plainOf));
  await tf.setBackend('onnx');
  return results;
}

beforeAll(async () => {
  await useOnnx({ threads: 1 });
});

/** Runs with consumed inputs and compares everything with the reference; the number of outputs written over inputs. */
async function check(fn: Fn, inputs: readonly Plain[], donated: readonly number[]): Promise<number> {
  const want = await expected(fn, inputs);
  const program = compile(fn, inputs, donated);
  const tensors = inputs.map(own);
  const untouched = inputs.filter((_, i) => !donated.includes(i));
  const results = program.run(tensors);
  const problem = difference(results.map(plainOf), want, 1e-5);
  const changed = difference(tensors.filter((tensor) => !tensor.isDisposed).map(plainOf), untouched);
  const { inPlaceOutputs } = program;
  donated.forEach((at) => expect(tensors[at].isDisposed).toBe(true));
  tf.dispose([...results, ...tensors]);
  program.dispose();
  expect(problem).toBeUndefined();
  expect(changed).toBeUndefined();
  return inPlaceOutputs;
}

const square = (): Plain => random([4, 4]);

describe('outputs over donated inputs', () => {
  it('updates in place where nobody can notice', async () => {
    expect(await check(([a, b]) => [tf.sub(a, b)], [square(), square()], [0])).toBe(1);
    expect(await check(([a, b]) => [tf.add(tf.mul(a, 0.9), b)], [square(), square()], [0])).toBe(1);
    expect(
      await check(([a, b]) => [tf.add(tf.mul(a, 0.9), tf.mul(b, tf.mean(tf.square(b))))], [square(), square()], [0]),
    ).toBe(1);
  });

  it('leaves an input alone that something else still reads', async () => {
    expect(
      await check(([a, b]) => [tf.add(a, b), tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D)], [square(), square()], [0]),
    ).toBe(0);
    expect(await check(([a, b]) => [tf.add(a, b), tf.sum(a)], [square(), square()], [0])).toBe(0);
    expect(await check(([a, b]) => [tf.add(a, b), tf.sum(tf.reshape(a, [16]))], [square(), square()], [0])).toBe(0);
    expect(await check(([a, b]) => [tf.add(a, b), tf.exp(tf.reshape(a, [16]))], [square(), square()], [0])).toBe(0);
  });

  it('leaves an input alone that is returned', async () => {
    await check(([a, b]) => [tf.add(a, b), tf.clone(a)], [square(), square()], [0]);
    await check(([a, b]) => [tf.add(a, b), a], [square(), square()], [0]);
    await check(([a]) => [a, a], [square()], [0]);
    await check(([a, b]) => [b, a], [square(), square()], [0, 1]);
    await check(([a, b]) => [tf.add(a, b), tf.sub(a, b)], [square(), square()], [0, 1]);
  });

  it('does not let a fused kernel read what it writes', async () => {
    const gelu = (x: tf.Tensor): tf.Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1));
    const fastGelu = (x: tf.Tensor): tf.Tensor =>
      tf.mul(
        tf.mul(x, 0.5),
        tf.add(tf.tanh(tf.mul(0.7978845608, tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x)))))), 1),
      );
    const norm = (x: tf.Tensor): tf.Tensor => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      return tf.div(centred, tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5)));
    };
    const transposed = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      tf.matMul(tf.transpose(a) as tf.Tensor2D, b as tf.Tensor2D);
    const cases: Fn[] = [
      ([a]) => [gelu(a)],
      ([a]) => [fastGelu(a)],
      ([a]) => [tf.mul(a, tf.sigmoid(a))],
      ([a]) => [norm(a)],
      ([a, b]) => [tf.add(tf.mul(norm(a), b), a)],
      ([a]) => [tf.softmax(a)],
      ([a, b]) => [transposed(a, b)],
      ([a, b]) => [tf.add(a, transposed(a, b))],
      ([a, b]) => [tf.matMul(tf.mul(a, 2) as tf.Tensor2D, b as tf.Tensor2D)],
      ([a, b]) => [tf.relu(tf.add(transposed(a, b), a))],
      ([a]) => [tf.transpose(a)],
      ([a]) => [tf.add(a, tf.transpose(a))],
      ([a]) => [tf.sub(a, tf.reverse(a, 0))],
      ([a]) => [tf.cumsum(a, 0)],
    ];
    for (const fn of cases) {
      for (const shape of [
        [4, 4],
        [64, 64],
      ])
        await check(fn, [random(shape), random(shape)], [0]);
    }
  });

  it('updates a cache in place', async () => {
    const cache = random([8, 3]);
    const program = compile(
      ([rows, at, row]) => {
        const next = tf.tensorScatterUpdate(rows, at as tf.Tensor2D, row);
        return [next, tf.sum(next)];
      },
      [cache, exactly([2], 'int32', [1, 1]), random([1, 3])],
      [0],
    );
    expect(program.inPlaceOutputs).toBe(1);
    let rows = own(cache);
    const wanted = cache.values.slice();
    for (let step = 0; step < 8; step++) {
      const row = exactly([step, step + 0.5, -step], 'float32', [1, 3]);
      const inputs = [tensorOf(exactly([(step * 3) % 8], 'int32', [1, 1])), tensorOf(row)];
      const [next, total] = program.run([rows, ...inputs]);
      wanted.splice(((step * 3) % 8) * 3, 3, ...row.values);
      expect(Math.abs(total.dataSync()[0] - wanted.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-4);
      tf.dispose([...inputs, total]);
      rows = next;
    }
    expect(Array.from(rows.dataSync())).toEqual(wanted);
    rows.dispose();
    program.dispose();
  });

  it('does not update in place what the update itself reads', () => {
    const rows = tf.tensor2d([[3], [2], [1], [0]], [4, 1], 'int32');
    const columns = tf.reshape(rows, [4, 1]);
    const flips: Fn[] = [
      ([a]) => [tf.tensorScatterUpdate(a, rows, a)],
      ([a]) => [
        tf.reshape(tf.tensorScatterUpdate(tf.reshape(a, [4, 2, 2]), columns, tf.reshape(a, [4, 2, 2])), [4, 4]),
      ],
      ([a]) => [tf.tensorScatterUpdate(a, tf.tensor2d([[1]], [1, 1], 'int32'), tf.reshape(tf.slice(a, 2, 1), [1, 4]))],
    ];
    const x = exactly(
      Array.from({ length: 16 }, (_, i) => i),
      'float32',
      [4, 4],
    );
    const flipped = [12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3];
    const wanted = [flipped, flipped, [0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15]];
    const inPlace = flips.map((fn, i) => {
      const program = compile(fn, [x], [0]);
      const [y] = program.run([own(x)]);
      expect(Array.from(y.dataSync())).toEqual(wanted[i]);
      y.dispose();
      program.dispose();
      return program.inPlaceOutputs;
    });
    expect(inPlace.slice(0, 2)).toEqual([0, 0]);
    tf.dispose([rows, columns]);
  });

  it('writes over nothing that somebody else holds', () => {
    const program = compile(([a]) => [tf.add(a, 1)], [exactly([1, 2, 3])], [0]);
    expect(program.inPlaceOutputs).toBe(1);
    const mine = Float32Array.of(1, 2, 3);
    const [fromMine] = program.run([tf.tensor1d(mine)]);
    expect(Array.from(fromMine.dataSync())).toEqual([2, 3, 4]);
    expect(Array.from(mine)).toEqual([1, 2, 3]); // the caller's array
    const read = fromMine.dataSync();
    const [fromRead] = program.run([fromMine]);
    expect(Array.from(read)).toEqual([2, 3, 4]); // an array that dataSync has given out
    const twin = tf.clone(fromRead);
    const [fromShared] = program.run([fromRead]);
    expect(Array.from(twin.dataSync())).toEqual([3, 4, 5]); // a clone shares memory
    const view = tf.reshape(fromShared, [3, 1]);
    const [last] = program.run([fromShared]);
    expect(Array.from(view.dataSync())).toEqual([4, 5, 6]); // and so does a reshape
    expect(Array.from(last.dataSync())).toEqual([5, 6, 7]);
    tf.dispose([twin, view, last]);
    program.dispose();
  });

  it('does not write over a tensor that is given twice', () => {
    const program = compile(([a, b]) => [tf.add(a, 1), tf.mul(b, 10)], [exactly([1, 2]), exactly([1, 2])], [0]);
    const a = own(exactly([1, 2]));
    const b = tf.clone(a);
    const results = program.run([a, b]);
    expect(results.map((tensor) => Array.from(tensor.dataSync()))).toEqual([
      [2, 3],
      [10, 20],
    ]);
    tf.dispose([...results, b]);
    program.dispose();
  });

  it('keeps the memory of parameters from step to step', () => {
    const backend = tf.backend() as OnnxRuntimeBackend;
    const program = compile(([p, g]) => [tf.sub(p, tf.mul(g, 0.1))], [random([512]), random([512])], [0]);
    let p = own(random([512]));
    const g = tensorOf(random([512]));
    const memory = (): ArrayBufferLike => backend.record(p.dataId).values!.buffer;
    const buffer = memory();
    for (let step = 0; step < 5; step++) [p] = program.run([p, g]);
    expect(memory()).toBe(buffer);
    tf.dispose([p, g]);
    program.dispose();
  });
});

/** Steps of a random program: an operator and which of the values so far it takes. */
const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 14 });

const operators: ((a: tf.Tensor, b: tf.Tensor) => tf.Tensor)[] = [
  (a, b) => tf.add(a, b),
  (a, b) => tf.sub(a, b),
  (a, b) => tf.mul(a, b),
  (a, b) => tf.maximum(a, b),
  (a) => tf.tanh(a),
  (a) => tf.transpose(a),
  (a, b) => tf.mul(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D), 0.25),
  (a) => tf.sub(a, tf.mean(a, 1, true)),
  (a, b) => tf.where(tf.greater(a, b), a, b),
  (a) => tf.reshape(tf.reshape(a, [16]), [4, 4]),
];

it('gives what the reference gives for random programs with every input donated', async () => {
  const inputs = [square(), square(), square()];
  let inPlace = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.uniqueArray(fc.nat(16), { minLength: 1, maxLength: 4 }), async (program, outputs) => {
      const fn: Fn = (tensors) => {
        const values = tensors.slice();
        for (const [operator, a, b] of program)
          values.push(tf.tanh(operators[operator](values[a % values.length], values[b % values.length])));
        return outputs.map((at) => values.at(-1 - (at % values.length))!);
      };
      const plain: Fn = (tensors) => {
        const values = tensors.slice();
        for (const [operator, a, b] of program)
          values.push(operators[operator](values[a % values.length], values[b % values.length]));
        return outputs.map((at) => tf.clipByValue(values.at(-1 - (at % values.length))!, -100, 100));
      };
      inPlace += await check(fn, inputs, [0, 1, 2]);
      inPlace += await check(plain, inputs, [0, 1, 2]);
    }),
    { numRuns: 120, seed: 7 },
  );
  expect(inPlace).toBeGreaterThan(5);
});
