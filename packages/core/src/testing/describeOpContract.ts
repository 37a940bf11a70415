import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import { uniform } from '../random/draw';
import { createKey } from '../random/key';
import type { Op, OpAttributes, OpInputs } from '../nn/defineOp';

/** The two functions that any test runner has: pass vitest's, jest's or node:test's. */
export interface TestRunner {
  describe(name: string, suite: () => void): unknown;
  it(name: string, test: () => void | Promise<void>): unknown;
}

/** One set of inputs that an op must treat well. */
export interface OpCase<I extends OpInputs, A extends OpAttributes> {
  readonly name: string;
  /** Makes the inputs, on the backend that is active then; the contract disposes them. */
  readonly inputs: () => I;
  readonly attributes: A;
  /** float32 inputs that take no gradient, such as the cosines of a rotation. */
  readonly constant?: readonly (keyof I & string)[] | undefined;
}

/** What the contract needs besides the op. */
export interface OpContractOptions<I extends OpInputs, A extends OpAttributes> extends TestRunner {
  readonly cases: readonly OpCase<I, A>[];
  /** Called before each test: select the backend to test on. */
  readonly prepare?: (() => void | Promise<void>) | undefined;
  /** Largest difference from the composite, in value and gradient, relative to the largest value; 2e-5 when absent. */
  readonly tolerance?: number | undefined;
  /** A public function called with bad arguments, and the code of the error it must throw. */
  readonly refuses?:
    readonly { readonly name: string; readonly call: () => unknown; readonly code: string }[] | undefined;
}

/**
 * Writes the tests that every op must pass: whatever computes it on the active backend gives the composite's value and
 * gradients, the gradients agree with central differences, no tensor is left behind, and bad input is refused.
 *
 * @param op the op, as `defineOp` makes it
 * @param contract `describe` and `it` of the runner, the cases, and what must be refused
 * @throws E_CONTRACT when the runner's functions or the cases are missing
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { geluTanhOp, selectBackend } from '@tesserae/core';
 * import { describeOpContract } from '@tesserae/core/testing';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const names: string[] = [];
 * describeOpContract(geluTanhOp, {
 *   describe: (_name, suite) => suite(), // in real life: import { describe, it } from 'vitest'
 *   it: (name, test) => (names.push(name), test()),
 *   cases: [{ name: 'a row', inputs: () => ({ x: tf.linspace(-3, 3, 7) }), attributes: {} }],
 * });
 * console.log(names.length); // → 4
 * ```
 */
export function describeOpContract<I extends OpInputs, A extends OpAttributes>(
  op: Op<I, A>,
  contract: OpContractOptions<I, A>,
): void {
  const { describe, it, cases, refuses = [], prepare, tolerance = 2e-5 } = contract ?? {};
  if (typeof describe !== 'function' || typeof it !== 'function' || !Array.isArray(cases) || cases.length === 0) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CONTRACT',
      message: 'the contract needs the functions describe and it of a test runner, and at least one case',
      fix: "import { describe, it } from 'vitest' and pass them: describeOpContract(op, { describe, it, cases })",
    });
  }
  // Without a `prepare` a test stays synchronous, so that a runner that does not wait sees it fail.
  const ready = (test: () => void) => (): void | Promise<void> =>
    prepare ? Promise.resolve(prepare()).then(test) : test();

  describe(`op contract: ${op.definition.name}`, () => {
    for (const one of cases as readonly OpCase<I, A>[]) {
      it(
        `${one.name}: has the composite's value`,
        ready(() => tf.tidy(() => sameValue(op, one, tolerance))),
      );
      it(
        `${one.name}: has the composite's gradients`,
        ready(() => tf.tidy(() => sameGradients(op, one, tolerance))),
      );
      it(
        `${one.name}: its gradients agree with central differences`,
        ready(() => tf.tidy(() => centralDifferences(op, one))),
      );
      it(
        `${one.name}: leaves no tensor behind`,
        ready(() => leavesNothing(op, one)),
      );
    }
    for (const { name, call, code } of refuses) {
      it(
        `refuses ${name}`,
        ready(() => {
          assert.throws(
            () => tf.tidy(() => void call()),
            (error) => isTesseraeError(error, code),
            `expected ${code}`,
          );
        }),
      );
    }
  });
}

function sameValue<I extends OpInputs, A extends OpAttributes>(
  op: Op<I, A>,
  { inputs, attributes }: OpCase<I, A>,
  tolerance: number,
): void {
  const given = inputs();
  close('value', op(given, attributes), op.definition.composite(given, attributes), tolerance);
}

function sameGradients<I extends OpInputs, A extends OpAttributes>(
  op: Op<I, A>,
  one: OpCase<I, A>,
  tolerance: number,
): void {
  const given = one.inputs();
  const names = differentiable(one, given);
  const upstream = randomLike(
    tf.tidy(() => op(given, one.attributes)),
    1,
  );
  const found = gradients((inputs) => op(inputs, one.attributes), given, names, upstream);
  const wanted = gradients((inputs) => op.definition.composite(inputs, one.attributes), given, names, upstream);
  names.forEach((name, index) => close(`the gradient of ${name}`, found[index], wanted[index], tolerance));
}

/** Along three random directions of each input: (f(x + hd) - f(x - hd)) / 2h against gradient · d. */
function centralDifferences<I extends OpInputs, A extends OpAttributes>(op: Op<I, A>, one: OpCase<I, A>): void {
  const given = one.inputs();
  const names = differentiable(one, given);
  const upstream = randomLike(
    tf.tidy(() => op(given, one.attributes)),
    2,
  );
  const weights = upstream.dataSync();
  const objective = (inputs: I): number => dot(tf.tidy(() => op(inputs, one.attributes)).dataSync(), weights);
  const slopes = gradients((inputs) => op(inputs, one.attributes), given, names, upstream);
  const step = 5e-3;
  names.forEach((name, index) => {
    const slope = slopes[index].dataSync();
    const size = Math.sqrt(dot(slope, slope));
    for (let trial = 0; trial < 3; trial++) {
      const direction = tf.sign(randomLike(given[name]!, 10 + trial));
      const moved = (sign: number): I => ({ ...given, [name]: tf.add(given[name]!, tf.mul(direction, sign * step)) });
      const measured = (objective(moved(1)) - objective(moved(-1))) / (2 * step);
      const predicted = dot(slope, direction.dataSync());
      const allowed = 5e-3 * size + 2e-3;
      assert.ok(
        Math.abs(measured - predicted) <= allowed,
        `${name}: differences give ${measured}, the gradient ${predicted} (allowed ${allowed})`,
      );
    }
  });
}

function leavesNothing<I extends OpInputs, A extends OpAttributes>(op: Op<I, A>, one: OpCase<I, A>): void {
  const given = one.inputs();
  const names = differentiable(one, given);
  const before = tf.memory().numTensors;
  const value = op(given, one.attributes);
  assert.equal(tf.memory().numTensors, before + 1, 'a call leaves exactly its value');
  const upstream = tf.onesLike(value);
  for (const slope of gradients((inputs) => op(inputs, one.attributes), given, names, upstream)) slope.dispose();
  tf.dispose([value, upstream]);
  assert.equal(tf.memory().numTensors, before, 'gradients leave nothing');
  tf.dispose(Object.values(given).filter((tensor) => tensor !== undefined));
}

function differentiable<I extends OpInputs, A extends OpAttributes>(
  { constant = [] }: OpCase<I, A>,
  given: I,
): string[] {
  return Object.keys(given).filter((name) => given[name]?.dtype === 'float32' && !constant.includes(name));
}

function gradients<I extends OpInputs>(
  fn: (inputs: I) => tf.Tensor,
  given: I,
  names: readonly string[],
  upstream: tf.Tensor,
): tf.Tensor[] {
  if (names.length === 0) return [];
  const run = (...args: tf.Tensor[]): tf.Tensor =>
    fn({ ...given, ...Object.fromEntries(names.map((name, index) => [name, args[index]])) });
  return tf.grads(run)(
    names.map((name) => given[name]!),
    upstream,
  );
}

/** Differences up to `tolerance` times the largest wanted value, or `tolerance` itself. */
function close(what: string, found: tf.Tensor, wanted: tf.Tensor, tolerance: number): void {
  assert.deepEqual(found.shape, wanted.shape, `${what}: shape`);
  assert.equal(found.dtype, wanted.dtype, `${what}: dtype`);
  const [a, b] = [found.dataSync(), wanted.dataSync()];
  let largest = 1;
  for (let index = 0; index < b.length; index++) largest = Math.max(largest, Math.abs(b[index]));
  const allowed = tolerance * largest;
  for (let index = 0; index < b.length; index++) {
    assert.ok(
      Math.abs(a[index] - b[index]) <= allowed,
      `${what}: element ${index} is ${a[index]}, wanted ${b[index]} (allowed ${allowed})`,
    );
  }
}

function randomLike(tensor: tf.Tensor, seed: number): tf.Tensor {
  return tf.tensor(uniform(createKey(seed), tensor.size, -1, 1), tensor.shape as number[]);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index] * b[index];
  return sum;
}
