import * as tf from '@tensorflow/tfjs-core';
import {
  chunkedCrossEntropy,
  compile,
  createKey,
  crossEntropy,
  integers,
  linear,
  roundTo,
  softcap,
  withPrecision,
} from '@tesserae/core';
import type { ChunkedCrossEntropyOptions } from '@tesserae/core';
import { expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';
import { drawsFrom } from '../support/draws';

const [N, D, V] = [37, 8, 29];

const draw = drawsFrom(100);
let seed = 200; // of the labels

interface Problem {
  readonly hidden: tf.Tensor; // [N, D]
  readonly parameters: tf.Tensor[]; // [V, D], [V]
  readonly labels: tf.Tensor; // [N]
}

function problem(): Problem {
  const ids = integers(createKey(seed++), N, 0, V);
  ids[3] = ids[20] = -100;
  return { hidden: draw([N, D]), parameters: [draw([V, D]), draw([V])], labels: tf.tensor1d(ids, 'int32') };
}

const capped = (hidden: tf.Tensor, [weight, bias]: readonly tf.Tensor[]): tf.Tensor =>
  softcap(linear(hidden, weight, { bias }), 3);

/** Loss and gradients by hidden states, matrix and bias, of `factor` times the loss. */
function learn(
  loss: (hidden: tf.Tensor, parameters: tf.Tensor[]) => tf.Tensor,
  { hidden, parameters }: Problem,
): tf.Tensor[] {
  const { value, grads } = tf.valueAndGrads((...[h, ...ps]: tf.Tensor[]) => loss(h, ps))(
    [hidden, ...parameters],
    tf.scalar(3),
  );
  return [value, ...grads];
}

function expectClose(found: tf.Tensor[], wanted: tf.Tensor[], tolerance = 2e-6): void {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((tensor, i) => {
    const far = tf.tidy(() => tf.div(tf.max(tf.abs(tf.sub(found[i], tensor))), tf.max(tf.abs(tensor))).dataSync()[0]);
    expect(far, `result ${i}`).toBeLessThan(tolerance);
  });
}

await describeOnBackends('chunked cross-entropy', (backend) => {
  for (const chunkRows of [1, 8, 37, 1000, undefined]) {
    it(`equals the loss of all logits in value and gradients, in chunks of ${chunkRows ?? 'its own choice'}`, async () => {
      await use(backend);
      tf.tidy(() => {
        const given = problem();
        const { labels } = given;
        for (const labelSmoothing of [0, 0.1]) {
          const wanted = learn((h, ps) => crossEntropy(capped(h, ps), labels, { labelSmoothing }), given);
          const options = { logits: capped, chunkRows, labelSmoothing };
          const chunked = (h: tf.Tensor, parameters: tf.Tensor[]): tf.Tensor =>
            chunkedCrossEntropy(h, labels, { ...options, parameters });
          expectClose(learn(chunked, given), wanted);
          expectClose([chunked(given.hidden, given.parameters)], wanted.slice(0, 1));
        }
      });
    });
  }

  it('is the same as one program, and adds to the gradient of a tied embedding', async () => {
    await use(backend);
    const given = problem();
    const ids = tf.tensor1d(integers(createKey(5), N, 0, V), 'int32');
    const tied =
      (loss: (h: tf.Tensor, weight: tf.Tensor) => tf.Tensor) =>
      (weight: tf.Tensor, labels: tf.Tensor1D, ids: tf.Tensor1D): tf.Tensor =>
        tf.mul(tf.grad((w) => loss(tf.tanh(tf.gather(w, ids)), w))(weight), labels.shape[0]);
    const labels = given.labels as tf.Tensor1D;
    const whole = compile(tied((h, w) => crossEntropy(linear(h, w), labels)));
    const parts = compile(
      tied((h, w) =>
        chunkedCrossEntropy(h, labels, { logits: (x, [weight]) => linear(x, weight), parameters: [w], chunkRows: 10 }),
      ),
    );
    const [weight] = given.parameters;
    const results = [parts(weight, labels, ids as tf.Tensor1D), whole(weight, labels, ids as tf.Tensor1D)];
    expectClose(results.slice(0, 1), results.slice(1));
    tf.dispose([results, ids, given.hidden, given.parameters, given.labels]);
    whole.dispose();
    parts.dispose();
  });

  it('leaves no tensor behind, and counts a batch without labels as 0', async () => {
    await use(backend);
    const given = problem();
    const before = tf.memory().numTensors;
    const run = (h: tf.Tensor, parameters: tf.Tensor[]): tf.Tensor =>
      chunkedCrossEntropy(h, given.labels, { logits: capped, parameters, chunkRows: 9 });
    tf.dispose(learn(run, given));
    tf.dispose(run(given.hidden, given.parameters));
    expect(tf.memory().numTensors).toBe(before + 1); // the upstream gradient of `learn`
    const none = tf.fill([N], -100, 'int32');
    const loss = chunkedCrossEntropy(given.hidden, none, {
      logits: capped,
      parameters: given.parameters,
      chunkRows: 9,
    });
    expect(loss.dataSync()[0]).toBe(0);
    tf.dispose([loss, none, given.hidden, given.parameters, given.labels]);
  });

  it('keeps small gradients in float16 when it is told how they are scaled', async () => {
    await use(backend);
    tf.tidy(() => {
      const given = { ...problem(), parameters: [tf.mul(draw([V, D]), 1e-2)] };
      const tiny = tf.mul(given.hidden, 1e-5); // gradients by the matrix of 1e-7: next to nothing in float16
      const logits = (h: tf.Tensor, [weight]: readonly tf.Tensor[]): tf.Tensor => linear(h, weight);
      const slope = (gradientScale?: tf.Tensor): tf.Tensor =>
        withPrecision('float16', () =>
          tf.grad((weight) =>
            chunkedCrossEntropy(tiny, given.labels, { logits, parameters: [weight], chunkRows: 10, gradientScale }),
          )(given.parameters[0], gradientScale ?? tf.scalar(1)),
        );
      const wanted = tf.grad((weight) => crossEntropy(linear(tiny, weight), given.labels))(given.parameters[0]);
      const error = (found: tf.Tensor): number =>
        tf.div(tf.max(tf.abs(tf.sub(found, wanted))), tf.max(tf.abs(wanted))).dataSync()[0];
      expect(error(tf.div(slope(tf.scalar(1024)), 1024))).toBeLessThan(0.01);
      expect(error(slope())).toBeGreaterThan(0.03);
      expect(error(roundTo(wanted, 'float16'))).toBeGreaterThan(0.01);
    });
  });

  it('refuses what does not fit', async () => {
    await use(backend);
    const [hidden, labels, weight] = [tf.ones([3, 2]), tf.zeros([3], 'int32'), tf.ones([4, 2])];
    const loss =
      (changed: Partial<ChunkedCrossEntropyOptions>, h = hidden, ids = labels) =>
      (): tf.Tensor =>
        chunkedCrossEntropy(h, ids, { logits: capped, parameters: [weight], ...changed });
    expect(loss({ chunkRows: 0 })).toThrow(
      'E_OPTION: chunkedCrossEntropy: chunkRows is 0; use a whole number from 1 up',
    );
    expect(loss({ logits: 3 as never })).toThrow('E_OPTION');
    expect(loss({ labelSmoothing: 1 })).toThrow('E_OPTION');
    expect(loss({ ignoreIndex: 0.5 })).toThrow('E_OPTION');
    expect(loss({}, tf.ones([2, 2]))).toThrow('E_SHAPE');
    expect(loss({}, hidden, tf.ones([3]))).toThrow('E_DTYPE');
  });
});
