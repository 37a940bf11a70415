import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useOnnx } from '@tesserae/backend-onnx';
import type { FlatCompileOptions, FlatProgram } from '@tesserae/backend-onnx';
import { isTesseraeError } from '@tesserae/registry';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiler, exactly, random, tensorOf } from '../support/compareBackends';
import type { Plain } from '../support/compareBackends';
import { registerTensorFlowGradients } from '../support/gradients';

type Fn = (inputs: tf.Tensor[]) => tf.Tensor[];

const vector: Plain = exactly([1, 2, 3]);
const compile = (fn: Fn, inputs: readonly Plain[] = [vector], more: Partial<FlatCompileOptions> = {}): FlatProgram =>
  compiler()(fn, { name: 'sample', inputs, donated: inputs.map(() => false), ...more });

let tensors = 0;
beforeEach(async () => {
  await useOnnx({ threads: 1 });
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
  expect(tf.backend().numDataIds()).toBe(tf.memory().numDataBuffers);
});

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    return isTesseraeError(error) ? error.code : String(error);
  }
  return undefined;
};

describe('code that wants values', () => {
  it.each<[string, string, (x: tf.Tensor) => unknown]>([
    ['dataSync', 'Square', (x) => tf.square(x).dataSync()],
    ['arraySync', 'Square', (x) => tf.square(x).arraySync()],
    ['a comparison by if', 'Sum', (x) => (tf.sum(x) as unknown as number) > 0],
    ['print', 'Exp', (x) => String(tf.exp(x))],
    ['an input', 'input 0', (x) => x.dataSync()],
  ])('%s names the kernel and the way out', (_what, kernel, look) => {
    const run = (): unknown =>
      compile(([x]) => {
        look(x);
        return [x];
      });
    expect(codeOf(run)).toBe('E_TRACE_VALUE');
    expect(run).toThrow(`'${kernel}'`);
    expect(run).toThrow(/'sample'.*tf\.where instead of if/s);
  });

  it('rejects asynchronous reads', async () => {
    let read: Promise<unknown> | undefined;
    compile(([x]) => {
      read = tf.booleanMaskAsync(x, tf.greater(x, 1)).catch((error: unknown) => error);
      return [tf.square(x)];
    }).dispose();
    expect(isTesseraeError(await read, 'E_TRACE_VALUE')).toBe(true);
  });

  it('knows a tensor that outlived its compilation', () => {
    let kept: tf.Tensor | undefined;
    compile(([x]) => {
      kept = tf.keep(tf.square(x));
      return [x];
    }).dispose();
    expect(codeOf(() => kept!.dataSync())).toBe('E_TRACE_STALE');
    expect(codeOf(() => compile(([x]) => [tf.add(x, kept!)]))).toBe('E_TRACE_STALE');
    kept!.dispose();
  });

  it('passes on what the function throws, and traces again afterwards', () => {
    expect(() =>
      compile(() => {
        throw new RangeError('mine');
      }),
    ).toThrow(RangeError);
    const program = compile(([x]) => [tf.square(x)]);
    const [y] = tf.tidy(() => program.run([tensorOf(vector)]));
    expect(Array.from(y.dataSync())).toEqual([1, 4, 9]);
    y.dispose();
    program.dispose();
  });
});

describe('a program', () => {
  it('runs once for each call, on other data', () => {
    let traced = 0;
    const program = compile(([x]) => {
      traced++;
      return [tf.mul(x, 2), tf.sum(x)];
    });
    for (const scale of [1, 2, 3]) {
      const results = tf.tidy(() => program.run([tf.tensor1d([scale, scale, scale])]));
      expect(results.map((tensor) => Array.from(tensor.dataSync()))).toEqual([
        [2 * scale, 2 * scale, 2 * scale],
        [3 * scale],
      ]);
      tf.dispose(results);
    }
    expect(traced).toBe(1);
    expect(program.nodes).toBe(2);
    expect(program.modelBytes).toBeGreaterThan(100);
    expect(program.traceMilliseconds).toBeGreaterThan(0);
    program.dispose();
  });

  it('gives constants, inputs and one tensor twice as tensors of their own', () => {
    const program = compile(([x]) => {
      const twice = tf.mul(x, 2);
      return [x, twice, twice, tf.scalar(7), tf.zeros([200])];
    });
    const input = tensorOf(vector);
    const results = program.run([input]);
    input.dispose();
    expect(results.slice(0, 4).map((tensor) => Array.from(tensor.dataSync()))).toEqual([
      [1, 2, 3],
      [2, 4, 6],
      [2, 4, 6],
      [7],
    ]);
    expect(results[4].dataSync()).toEqual(new Float32Array(200));
    expect(new Set(results.map(({ dataId }) => dataId)).size).toBe(5);
    tf.dispose(results);
    program.dispose();
  });

  it('takes int32 and bool in and out, empty tensors too', () => {
    const inputs = [exactly([1, 0, 1], 'bool'), exactly([5, -6, 7], 'int32'), exactly([], 'float32', [0, 3])];
    const program = compile(
      ([mask, whole, none]) => [
        tf.logicalNot(mask as tf.Tensor1D),
        tf.where(mask, whole, tf.zerosLike(whole)),
        tf.mul(none, 2),
        tf.sum(none),
      ],
      inputs,
    );
    const results = tf.tidy(() => program.run(inputs.map(tensorOf)));
    expect(results.map(({ dtype, shape }) => [dtype, ...shape])).toEqual([
      ['bool', 3],
      ['int32', 3],
      ['float32', 0, 3],
      ['float32'],
    ]);
    expect(results.map((tensor) => Array.from(tensor.dataSync()))).toEqual([[0, 1, 0], [5, 0, 7], [], [0]]);
    tf.dispose(results);
    program.dispose();
  });

  it('leaves large captured tensors where they are', () => {
    const table = tensorOf(random([300, 100]));
    const expected = Array.from(table.dataSync().subarray(200, 300));
    const program = compile(([at]) => [tf.gather(table, at as tf.Tensor1D)], [exactly([2], 'int32')]);
    expect(program.capturedBytes).toBe(120_000);
    expect(program.modelBytes).toBeLessThan(1000);
    table.dispose(); // the program still has it
    const [row] = tf.tidy(() => program.run([tf.tensor1d([2], 'int32')]));
    expect(Array.from(row.dataSync())).toEqual(expected);
    row.dispose();
    program.dispose();
  });

  it('writes uniform constants as one number', () => {
    const program = compile(([x]) => [tf.matMul(x as tf.Tensor2D, tf.fill([300, 300], 0.5))], [random([2, 300])]);
    expect(program.modelBytes).toBeLessThan(1000);
    const [y] = tf.tidy(() => program.run([tf.ones([2, 300])]));
    expect(new Set(y.dataSync())).toEqual(new Set([150]));
    y.dispose();
    program.dispose();
  });

  it('is a plain function inside another one', () => {
    const inner = compile(([x]) => [tf.square(x)]);
    const outer = compile(([x]) => {
      const [y] = inner.run([x]);
      return [tf.add(y, 1)];
    });
    const lazy: FlatProgram[] = [];
    const other = compile(([x]) => {
      lazy.push(compile(([v]) => [tf.neg(v)]));
      return lazy[0].run([x]);
    });
    const results = tf.tidy(() => [outer, other, lazy[0]].map((program) => program.run([tensorOf(vector)])[0]));
    expect(results.map((tensor) => Array.from(tensor.dataSync()))).toEqual([
      [2, 5, 10],
      [-1, -2, -3],
      [-1, -2, -3],
    ]);
    tf.dispose(results);
    for (const program of [inner, outer, other, lazy[0]]) program.dispose();
  });

  it('is differentiable like the function it was made of', async () => {
    await registerTensorFlowGradients();
    const program = compile(([x]) => [tf.sum(tf.square(x))], [vector]);
    const gradient = tf.tidy(() => tf.grad((x) => program.run([x])[0])(tensorOf(vector)));
    expect(Array.from(gradient.dataSync())).toEqual([2, 4, 6]);
    gradient.dispose();
    program.dispose();
  });

  it('writes its model', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-'));
    const program = compile(([x]) => [tf.square(x)]);
    const file = path.join(folder, 'square.onnx');
    program.saveModel(file);
    expect(statSync(file).size).toBe(program.modelBytes);
    expect(readFileSync(file).includes('Mul')).toBe(true);
    rmSync(folder, { recursive: true });
    program.dispose();
  });

  it('refuses what it was not compiled for', () => {
    const program = compile(([x]) => [tf.square(x)]);
    const wrong = [tf.zeros([4]), tf.zeros([3], 'int32')];
    expect(codeOf(() => program.run([]))).toBe('E_PROGRAM_INPUT');
    for (const tensor of wrong) expect(codeOf(() => program.run([tensor]))).toBe('E_PROGRAM_INPUT');
    tf.dispose(wrong);
    expect(codeOf(() => program.run([wrong[0]]))).toBe('E_PROGRAM_INPUT');
    program.dispose();
    program.dispose();
    expect(codeOf(() => program.run(wrong))).toBe('E_PROGRAM_DISPOSED');
    expect(codeOf(() => compile(undefined as unknown as Fn))).toBe('E_PROGRAM_OPTION');
  });
});

describe('on another thread', () => {
  it('gives what run gives, several at once too', async () => {
    const program = compile(([x]) => [tf.mul(x, 3)]);
    const inputs = [1, 2, 3].map((value) => tf.tensor1d([value, value, value]));
    const runs = inputs.map((input) => program.runAsync([input]));
    const results = (await Promise.all(runs)).flat();
    expect(results.map((tensor) => tensor.dataSync()[0])).toEqual([3, 6, 9]);
    tf.dispose([...results, ...inputs]);
    program.dispose();
  });

  it('keeps the memory of an input that is disposed meanwhile', async () => {
    const program = compile(([x]) => [tf.add(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D), 0)], [random([256, 256])]);
    for (let i = 0; i < 20; i++) {
      const input = tf.fill([256, 256], 1);
      const run = program.runAsync([input]);
      input.dispose();
      const other = tf.fill([256, 256], 5); // would get the memory, if it were free
      const [y] = await run;
      expect(y.dataSync()[100]).toBe(256);
      tf.dispose([y, other]);
    }
    program.dispose();
  });

  it('stops when its signal says so', async () => {
    const program = compile(
      ([x]) => {
        let y = x as tf.Tensor2D;
        for (let i = 0; i < 60; i++) y = tf.mul(tf.matMul(y, y), 1e-3) as tf.Tensor2D;
        return [y];
      },
      [random([400, 400])],
    );
    const input = tf.ones([400, 400]);
    const controller = new AbortController();
    const run = program.runAsync([input], { signal: controller.signal }).catch((error: unknown) => error);
    setTimeout(() => controller.abort(), 5);
    expect(isTesseraeError(await run, 'E_CANCELLED')).toBe(true);
    expect(
      isTesseraeError(
        await program.runAsync([input], { signal: AbortSignal.abort() }).catch((error: unknown) => error),
        'E_CANCELLED',
      ),
    ).toBe(true);
    const [y] = program.run([input]); // and it can run again
    tf.dispose([y, input]);
    program.dispose();
  });

  it('may be disposed of while it runs', async () => {
    const program = compile(([x]) => [tf.mul(x, 3)]);
    const input = tensorOf(vector);
    const run = program.runAsync([input]);
    program.dispose();
    const [y] = await run;
    expect(Array.from(y.dataSync())).toEqual([3, 6, 9]);
    tf.dispose([y, input]);
  });
});

it('holds the memory of a first run, and no plan of the same size beside it in the second', () => {
  const parts = 8;
  const size = 2 ** 22; // 16 MiB
  const program = compile(
    ([x]) => {
      const kept = Array.from({ length: parts }, (_, i) => tf.exp(tf.mul(x, i)));
      const largest = tf.max(tf.stack(kept.map((part) => tf.max(part)))); // needs all, and all are needed after it
      return [tf.stack(kept.map((part) => tf.sum(tf.square(tf.sub(part, largest)))))];
    },
    [{ shape: [1024, size / 1024], dtype: 'float32', values: [] }],
  );
  const input = tf.zeros([1024, size / 1024]);
  const residentAfter = (): number => {
    tf.dispose(program.run([input]));
    return process.memoryUsage().rss / 2 ** 20;
  };
  const first = residentAfter();
  expect(residentAfter() - first).toBeLessThan(32);
  tf.dispose(input);
  program.dispose();
});
