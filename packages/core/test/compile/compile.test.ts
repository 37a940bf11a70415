import * as tf from '@tensorflow/tfjs-core';
import { compile, weightSymbol } from '@tesserae/core';
import type { WeightForm, WeightOperations } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeOnBackends, insideName, use } from '../support/backends';

const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

/** What a call throws, as [code, message]. */
function thrown(call: () => unknown): [string, string] {
  try {
    call();
  } catch (error) {
    if (isTesseraeError(error)) return [error.code, error.message];
    throw error;
  }
  throw new Error('nothing was thrown');
}

interface Scaled extends WeightForm {
  readonly base: tf.Tensor;
  readonly times: number;
}

const scaled: WeightOperations<Scaled> = {
  kind: 'scaled',
  shape: ({ base }) => base.shape as number[],
  linear: ({ base, times }, x) => tf.mul(tf.matMul(x as tf.Tensor2D, base as tf.Tensor2D), times),
  embed: ({ base, times }, ids) => tf.mul(tf.gather(base, ids as tf.Tensor1D), times),
  toDense: ({ base, times }) => tf.mul(base, times),
  tensors: ({ base }) => ({ base }),
  withTensors: (weight, { base }) => ({ ...weight, base }),
  structure: ({ times }) => `${times}`,
};

await describeOnBackends('compile', (backend) => {
  beforeAll(() => use(backend));

  it('runs trees of tensors and gives trees back', () => {
    const before = tf.memory().numTensors;
    const add = compile((x: { a: tf.Tensor; list: tf.Tensor[] }, y: tf.Tensor) => ({
      sum: tf.add(x.a, y),
      more: x.list.map((t) => tf.mul(t, y)),
      none: null,
    }));
    const x = { a: tf.tensor1d([1, 2]), list: [tf.tensor1d([3, 4]), tf.tensor1d([5, 6])] };
    const y = tf.tensor1d([10, 100]);
    const { sum, more, none } = add(x, y);
    expect([values(sum), ...more.map(values), none]).toEqual([[11, 102], [30, 400], [50, 600], null]);
    tf.dispose([x, y, sum, more] as tf.TensorContainer);
    expect(tf.memory().numTensors).toBe(before);
    add.dispose();
  });

  it('takes a number where the function takes a scalar, and needs no new program when it changes', () => {
    let runs = 0;
    const step = compile((w: tf.Tensor, rate: tf.Scalar) => {
      runs++;
      expect(rate.dtype).toBe('float32');
      return tf.mul(w, rate);
    });
    const w = tf.tensor1d([1, 2]);
    expect(values(step(w, 0.5))).toEqual([0.5, 1]);
    expect(values(step(w, 2))).toEqual([2, 4]);
    expect(values(step(w, 3))).toEqual([3, 6]);
    expect(step.programs).toBe(1);
    if (step.prepare(w, 4).traced) expect(runs).toBe(1);
  });

  it('makes a program for each structure, shape, dtype and constant, and keeps the latest', () => {
    const f = compile(
      (x: tf.Tensor, how: string, also: { flag: boolean } | null) =>
        how === 'double' ? tf.mul(x, tf.scalar(also?.flag ? 3 : 2, x.dtype as 'float32')) : tf.clone(x),
      { maxPrograms: 3 },
    );
    const a = tf.tensor1d([1, 2]);
    expect(values(f(a, 'double', null))).toEqual([2, 4]);
    expect(values(f(a, 'same', null))).toEqual([1, 2]);
    expect(values(f(a, 'double', { flag: true }))).toEqual([3, 6]);
    expect(f.programs).toBe(3);
    expect(values(f(tf.tensor1d([1, 2, 3]), 'double', null))).toEqual([2, 4, 6]);
    expect(values(f(tf.tensor1d([1, 2], 'int32'), 'double', null))).toEqual([2, 4]);
    expect(f.programs).toBe(3);
    f.dispose();
    expect(f.programs).toBe(0);
    expect(values(f(a, 'double', null))).toEqual([2, 4]);
  });

  it('sees every change of its arguments from one call to the next', () => {
    const sum = compile((tree: { list: tf.Tensor[]; how: unknown; weight: Scaled | tf.Tensor }) => {
      const { list, weight } = tree;
      const dense = 'dataId' in weight ? (weight as tf.Tensor) : scaled.toDense(weight as Scaled);
      return tf.add(tf.addN(list), dense);
    });
    const [one, two] = [tf.tensor1d([1]), tf.tensor1d([2])];
    const form = (base: tf.Tensor, times: number): Scaled => ({ base, times, [weightSymbol]: scaled });
    const tree = { list: [one, one], how: 'plain' as unknown, weight: form(one, 10) as Scaled | tf.Tensor };
    const results = [sum(tree)];
    const after = (change: () => void): void => {
      change();
      results.push(sum(tree));
    };
    after(() => (tree.list[1] = two)); // another tensor in the same place of the same tree
    after(() => (tree.weight = form(two, 10)));
    after(() => (tree.weight = form(two, 100)));
    after(() => (tree.weight = two));
    after(() => tree.list.push(two));
    after(() => (tree.list = [one]));
    after(() => (tree.how = { nested: two }));
    after(() => (tree.how = [two]));
    after(() => (tree.how = null));
    expect(results.map((tensor) => values(tensor)[0])).toEqual([12, 13, 23, 203, 5, 7, 3, 3, 3, 3]);
    expect(sum.programs).toBe(8);
    one.dispose();
    expect(thrown(() => sum(tree))[0]).toBe('E_DISPOSED');
    tf.dispose([two, ...results]);
    sum.dispose();
  });

  it('consumes a tensor in the place of a number', () => {
    const f = compile((x: tf.Scalar) => tf.add(x, 1), { donate: [0] });
    const before = tf.memory().numTensors;
    expect(values(f(1))).toEqual([2]);
    const x = tf.scalar(2);
    expect(values(f(x))).toEqual([3]);
    expect(x.isDisposed).toBe(true);
    expect(values(f(3))).toEqual([4]);
    expect(f.programs).toBe(1);
    expect(tf.memory().numTensors).toBe(before + 3);
    f.dispose();
  });

  it('gives tensors of its own: never an argument, a constant or one twice', () => {
    const constant = tf.tensor1d([7]);
    const f = compile((x: tf.Tensor) => {
      const y = tf.add(x, 1);
      return [x, y, y, constant];
    });
    const x = tf.tensor1d([1]);
    const results = f(x);
    expect(results.map(values)).toEqual([[1], [2], [2], [7]]);
    expect(new Set([x, constant, ...results]).size).toBe(6);
    results.forEach((tensor) => tensor.dispose());
    expect([values(x), values(constant)]).toEqual([[1], [7]]);
  });

  it('consumes what is donated', () => {
    const before = tf.memory().numTensors;
    const step = compile((state: { w: tf.Tensor }, x: tf.Tensor) => ({ w: tf.add(state.w, x) }), { donate: [0] });
    const x = tf.tensor1d([1, 1]);
    let state = { w: tf.tensor1d([0, 0]) as tf.Tensor };
    for (let i = 0; i < 5; i++) {
      const old = state;
      state = step(state, x);
      expect(old.w.isDisposed).toBe(true);
    }
    expect(values(state.w)).toEqual([5, 5]);
    expect(x.isDisposed).toBe(false);
    tf.dispose([state.w, x]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says so when a donated tensor is used again or given twice', () => {
    const step = compile((w: tf.Tensor, x: tf.Tensor) => tf.add(w, x), { donate: [0], name: 'step' });
    const w = tf.tensor1d([1]);
    step(w, tf.tensor1d([1]));
    expect(thrown(() => step(w, tf.tensor1d([1])))).toEqual([
      'E_DONATED',
      expect.stringContaining(
        '[core] E_DONATED: step: arguments[0] was consumed or disposed before this call; use the tensors',
      ),
    ]);
    const same = tf.tensor1d([1]);
    expect(thrown(() => step(same, same))).toEqual([
      'E_DONATED',
      expect.stringContaining('one tensor is both arguments[0] and arguments[1]'),
    ]);
    expect(same.isDisposed).toBe(false);
  });

  it('refuses disposed arguments, classes, and results that are no tensors', async () => {
    const f = compile((x: unknown) => x as tf.Tensor, { name: 'f' });
    const gone = tf.tensor1d([1]);
    gone.dispose();
    expect(thrown(() => f(gone))[0]).toBe('E_DISPOSED');
    expect(thrown(() => f(new Map()))).toEqual([
      'E_COMPILE_ARGUMENT',
      expect.stringContaining('a Map is neither a plain object'),
    ]);
    expect(thrown(() => f({ deep: [Symbol('x')] }))[1]).toContain('arguments[0].deep[0]: a symbol');
    const g = compile((x: tf.Tensor) => ({ x, n: 3 }) as never, { name: 'g' });
    expect(thrown(() => g(tf.scalar(1)))).toEqual([
      'E_COMPILE_RESULT',
      expect.stringContaining('result.n: a number is no tensor; return tensors'),
    ]);
    const h = compile(async (x: tf.Tensor) => x);
    expect(thrown(() => h(tf.scalar(1)))[1]).toContain('the function is asynchronous');
    expect(thrown(() => compile(3 as never))[0]).toBe('E_COMPILE_ARGUMENT');
    const already = tf.scalar(1);
    already.dispose();
    expect(thrown(() => compile(() => already)())[1]).toContain('the tensor is disposed');
  });

  it('keeps what is donated when the program does not begin', async () => {
    const f = compile(
      (w: tf.Tensor, fail: boolean) => {
        if (fail) throw new RangeError('of its own');
        return tf.add(w, 1);
      },
      { donate: [0] },
    );
    const w = tf.tensor1d([1]);
    expect(() => f(w, true)).toThrow('of its own');
    await expect(f.runAsyncWith({ signal: AbortSignal.abort() }, w, false)).rejects.toThrow(/abort/i);
    expect(f.prepare(w, false).backend).toBe(insideName(backend));
    expect(values(w)).toEqual([1]);
    expect(values(f(w, false))).toEqual([2]);
    expect(w.isDisposed).toBe(true);
  });

  it('leaves no tensor behind when the function throws', () => {
    const f = compile((x: tf.Tensor) => {
      tf.add(x, 1);
      throw new RangeError('of its own');
    });
    const x = tf.scalar(1);
    const before = tf.memory().numTensors;
    expect(() => f(x)).toThrow('of its own');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('awaits, and stops before it starts when the signal says so', async () => {
    const f = compile((x: tf.Tensor, k: tf.Scalar) => tf.mul(x, k));
    const x = tf.tensor1d([1, 2]);
    expect(values(await f.runAsync(x, 3))).toEqual([3, 6]);
    const before = tf.memory().numTensors;
    await expect(f.runAsyncWith({ signal: AbortSignal.abort() }, x, 3)).rejects.toThrow(/abort/i);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes weights apart and puts them together', () => {
    const f = compile((weight: Scaled) => scaled.toDense(weight), { donate: [] });
    const weight: Scaled = { [weightSymbol]: scaled, base: tf.tensor1d([1, 2]), times: 3 };
    expect(values(f(weight))).toEqual([3, 6]);
    expect(values(f({ ...weight, times: 4 }))).toEqual([4, 8]);
    expect(f.programs).toBe(2);
  });

  it('differentiates', () => {
    const slope = compile((x: tf.Tensor) => tf.valueAndGrad((y) => tf.sum(tf.mul(y, tf.square(y))))(x));
    const { value, grad } = slope(tf.tensor1d([1, 2]));
    expect([values(value), values(grad)]).toEqual([[9], [3, 12]]);
  });

  it('is an ordinary function inside another compiled one', () => {
    const inner = compile((x: tf.Tensor, k: tf.Scalar) => tf.mul(x, k));
    const outer = compile((x: tf.Tensor) => tf.add(inner(x, 2), inner(x, 3)));
    expect(values(outer(tf.tensor1d([1, 10])))).toEqual([5, 50]);
    expect(values(outer(tf.tensor1d([2, 20])))).toEqual([10, 100]);
  });

  it('reports what it made', () => {
    const f = compile((x: tf.Tensor) => tf.add(x, 1));
    const report = f.prepare(tf.tensor1d([1]));
    expect(report).toMatchObject({ backend: insideName(backend), traced: backend === 'onnx' });
    if (report.traced) expect(report.nodes).toBeGreaterThan(0);
    expect(f.programs).toBe(1);
  });
});

describe('compile', () => {
  it('has the name of its function', () => {
    expect(
      compile(function attend(x: tf.Tensor) {
        return x;
      }).name,
    ).toBe('attend');
  });
});
