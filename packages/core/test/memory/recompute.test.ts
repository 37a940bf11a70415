import * as tf from '@tensorflow/tfjs-core';
import { compile, createKey, dropout, gelu, linear, recompute, withPrecision } from '@tesserae/core';
import { expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';
import { drawsFrom } from '../support/draws';

const draw = drawsFrom(200);

const key = createKey(9);

/** Two blocks with dropout, the same in both ways of running them. */
function twoBlocks(x: tf.Tensor, weights: readonly tf.Tensor[], again: boolean, count: { runs: number }): tf.Tensor {
  return weights.reduce<tf.Tensor>((value, weight, site) => {
    const block = ([v, w]: tf.Tensor[]): tf.Tensor => {
      count.runs++;
      return tf.add(v, dropout(gelu(linear(v, w)), { rate: 0.3, key, site }));
    };
    return again ? recompute(block, [value, weight]) : block([value, weight]);
  }, x);
}

await describeOnBackends('recomputation', (backend) => {
  it('gives the same value and the same gradients, with dropout and rounding, and runs each part twice', async () => {
    await use(backend);
    tf.tidy(() => {
      const inputs = [draw([4, 6]), draw([6, 6]), draw([6, 6])];
      const learn = (again: boolean, count: { runs: number }): tf.Tensor[] => {
        const { value, grads } = withPrecision('bfloat16', () =>
          tf.valueAndGrads((...[x, ...ws]: tf.Tensor[]) => tf.sum(tf.square(twoBlocks(x, ws, again, count))))(inputs),
        );
        return [value, ...grads];
      };
      const [once, twice] = [{ runs: 0 }, { runs: 0 }];
      const wanted = learn(false, once);
      const found = learn(true, twice);
      wanted.forEach((tensor, i) => expect(Array.from(found[i].dataSync())).toEqual(Array.from(tensor.dataSync())));
      expect([once.runs, twice.runs]).toEqual([2, 4]);
    });
  });

  it('makes other nodes of the second run in a program, with the same results', async () => {
    await use(backend);
    const inputs = [draw([4, 6]), draw([6, 6]), draw([6, 6])];
    const step = (again: boolean) =>
      compile((x: tf.Tensor, one: tf.Tensor, other: tf.Tensor) =>
        tf.grads((...[x, ...ws]: tf.Tensor[]) => tf.sum(tf.square(twoBlocks(x, ws, again, { runs: 0 }))))([
          x,
          one,
          other,
        ]),
      );
    const [plain, again] = [step(false), step(true)];
    const [x, one, other] = inputs;
    const [wanted, found] = [plain(x, one, other), again(x, one, other)];
    wanted.forEach((tensor, i) =>
      found[i].dataSync().forEach((value, j) => expect(value).toBeCloseTo(tensor.dataSync()[j], 4)),
    );
    const nodes = [plain, again].map((program) => program.prepare(x, one, other).nodes);
    if (backend === 'onnx') expect(nodes[1]).toBeGreaterThan(nodes[0] * 1.2);
    tf.dispose([inputs, wanted, found]);
    plain.dispose();
    again.dispose();
  });

  it('passes on what is no number, and negative zeros', async () => {
    await use(backend);
    const run = compile((x: tf.Tensor) => tf.grad((y) => recompute(([z]) => tf.square(z), [y]))(x, tf.onesLike(x)));
    const x = tf.tensor1d([NaN, -0, Infinity, -Infinity, 2]);
    const y = run(x);
    expect(Array.from(y.dataSync())).toEqual([NaN, -0, Infinity, -Infinity, 4]);
    tf.dispose([x, y]);
    run.dispose();
  });

  it('leaves no tensor behind', async () => {
    await use(backend);
    const inputs = [draw([4, 6]), draw([6, 6]), draw([6, 6])];
    const before = tf.memory().numTensors;
    const run = (...[x, ...ws]: tf.Tensor[]): tf.Tensor => tf.sum(twoBlocks(x, ws, true, { runs: 0 }));
    tf.dispose(tf.grads(run)(inputs));
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(inputs);
  });
});
