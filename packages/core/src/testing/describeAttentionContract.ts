import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { attention } from '../nn/attention';
import { layoutFor } from '../nn/sparse/layout';
import { attentionMask } from '../nn/sparse/pattern';
import type { AttentionPattern } from '../nn/sparse/pattern';
import { sparseAttention, sparseAttentionOp } from '../nn/sparse/sparseAttention';
import type { SparseAttentionAttributes, SparseAttentionInputs } from '../nn/sparse/sparseAttention';
import { normal } from '../random/draw';
import { createKey } from '../random/key';
import { describeOpContract } from './describeOpContract';
import type { OpCase, TestRunner } from './describeOpContract';

/** Sizes of one test of a pattern. */
export interface AttentionCase {
  readonly batch: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly queries: number;
  readonly keys: number;
  /** E. */
  readonly features: number;
  /** Keys at the end of each text but the first that are padding. */
  readonly padding?: number | undefined;
}

/** What the contract needs besides the pattern. */
export interface AttentionContractOptions extends TestRunner {
  /** Called before each test: select the backend to test on. */
  readonly prepare?: (() => void | Promise<void>) | undefined;
  /** Sizes to test; odd ones, grouped heads, padding and fewer queries than keys when absent. */
  readonly cases?: readonly AttentionCase[] | undefined;
  /** Largest difference from dense attention, relative to the largest value; 1e-5 when absent. */
  readonly tolerance?: number | undefined;
}

const usual: readonly AttentionCase[] = [
  { batch: 1, heads: 2, keyHeads: 2, queries: 53, keys: 53, features: 16 },
  { batch: 2, heads: 4, keyHeads: 2, queries: 67, keys: 67, features: 16, padding: 23 },
  { batch: 1, heads: 3, keyHeads: 1, queries: 40, keys: 75, features: 12 },
  { batch: 2, heads: 1, keyHeads: 1, queries: 1, keys: 50, features: 16, padding: 9 },
  { batch: 1, heads: 2, keyHeads: 1, queries: 5, keys: 5, features: 32 },
];

/** Texts at which the growth of the work is looked at. */
const shortText = 512;
const longText = 2048;

/**
 * Writes the tests that every attention pattern must pass: values and gradients are those of dense attention with its
 * mask, the gradients agree with central differences, the two forms of the rule say the same, each query sees a key, the
 * work grows linearly, and no tensor is left behind.
 *
 * @param pattern the pattern
 * @param contract `describe` and `it` of the runner, and how to select a backend
 * @throws E_CONTRACT when the runner's functions are missing
 * @example
 * ```ts
 * import { selectBackend, slidingWindow } from '@tesserae/core';
 * import { describeAttentionContract } from '@tesserae/core/testing';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * let tests = 0;
 * describeAttentionContract(slidingWindow({ window: 8 }), {
 *   describe: (_name, suite) => suite(), // in real life: import { describe, it } from 'vitest'
 *   it: (_name, test) => (tests++, test()),
 *   cases: [{ batch: 1, heads: 2, keyHeads: 1, queries: 21, keys: 21, features: 8 }],
 * });
 * console.log(tests); // → 9
 * ```
 */
export function describeAttentionContract(pattern: AttentionPattern, contract: AttentionContractOptions): void {
  const { describe, it, prepare, cases = usual, tolerance = 1e-5 } = contract ?? {};
  if (typeof describe !== 'function' || typeof it !== 'function') {
    throw tesseraeError({
      package: 'core',
      code: 'E_CONTRACT',
      message: 'the contract needs the functions describe and it of a test runner',
      fix: "import { describe, it } from 'vitest' and pass them: describeAttentionContract(pattern, { describe, it })",
    });
  }
  const ready = (test: () => void) => (): void | Promise<void> =>
    prepare ? Promise.resolve(prepare()).then(test) : test();

  describe(`attention contract: ${pattern.name} ${JSON.stringify(pattern.options)}`, () => {
    for (const one of cases) {
      it(
        `${titleOf(one)}: value and gradients of dense attention with its mask`,
        ready(() => tf.tidy(() => equalsDense(pattern, one, tolerance))),
      );
      it(
        `${titleOf(one)}: both forms of the rule say the same`,
        ready(() => tf.tidy(() => sameRule(pattern, one))),
      );
    }
    it(
      'its work grows linearly',
      ready(() => growsLinearly(pattern)),
    );
    it('its options are plain values', () => {
      assert.deepEqual(JSON.parse(JSON.stringify(pattern.options)), pattern.options);
    });
    it(
      'sees no later key where it is causal',
      ready(() => isCausal(pattern)),
    );
    describeOpContract(sparseAttentionOp, {
      describe: (_name, suite) => suite(),
      it: (name, test) => it(`as an op, ${name}`, test),
      prepare,
      cases: [opCase(pattern, cases[0])],
    });
  });
}

const titleOf = ({ batch, heads, keyHeads, queries, keys, features, padding = 0 }: AttentionCase): string =>
  `batch ${batch}, heads ${heads}/${keyHeads}, ${queries} of ${keys}, width ${features}${padding ? ', padded' : ''}`;

const draw = (seed: number, shape: readonly number[]): tf.Tensor =>
  tf.tensor(
    normal(
      createKey(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
    shape.slice(),
  );

/** Query, key and value of a case. */
function tensorsOf({ batch, heads, keyHeads, queries, keys, features }: AttentionCase): tf.Tensor[] {
  return [
    draw(1, [batch, heads, queries, features]),
    draw(2, [batch, keyHeads, keys, features]),
    draw(3, [batch, keyHeads, keys, features]),
  ];
}

/** int32 [B, S]: each text but the first ends in padding. */
function keyMaskOf({ batch, keys, padding = 0 }: AttentionCase): tf.Tensor | undefined {
  if (padding === 0) return undefined;
  const mask = new Int32Array(batch * keys).fill(1);
  for (let row = 1; row < batch; row++) mask.fill(0, (row + 1) * keys - padding, (row + 1) * keys);
  return tf.tensor2d(mask, [batch, keys], 'int32');
}

/** Values, and gradients of their sum under random weights. Rows that see only padding say nothing and are left out. */
function equalsDense(pattern: AttentionPattern, one: AttentionCase, tolerance: number): void {
  const { batch, queries, keys } = one;
  const tensors = tensorsOf(one);
  const keyMask = keyMaskOf(one);
  const rule = attentionMask(pattern, queries, keys); // [T, S]
  const mask = keyMask
    ? tf.logicalAnd(tf.reshape(rule, [1, 1, queries, keys]), tf.reshape(tf.cast(keyMask, 'bool'), [batch, 1, 1, keys]))
    : rule;
  const seeing = tf.reshape(tf.cast(tf.any(mask, -1, true), 'float32'), [keyMask ? batch : 1, 1, queries, 1]);
  const upstream = tf.mul(draw(4, sizesOf(tensors[0])), seeing);
  const run = (compute: (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => tf.Tensor): tf.Tensor[] => {
    const [query, key, value] = tensors;
    const seen = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor => tf.mul(compute(q, k, v), seeing);
    return [seen(query, key, value), ...tf.grads(seen as (...x: tf.Tensor[]) => tf.Tensor)(tensors, upstream)];
  };
  const found = run((q, k, v) => sparseAttention(q, k, v, { pattern, keyMask }));
  const wanted = run((q, k, v) => attention(q, k, v, { mask }));
  ['the value', 'the gradient of query', 'the gradient of key', 'the gradient of value'].forEach((what, at) =>
    close(what, found[at], wanted[at], tolerance),
  );
}

const sizesOf = (tensor: tf.Tensor): number[] => tensor.shape as number[];

function close(what: string, found: tf.Tensor, wanted: tf.Tensor, tolerance: number): void {
  const [a, b] = [found.dataSync(), wanted.dataSync()];
  assert.equal(a.length, b.length, `${what}: size`);
  let largest = 1;
  for (let at = 0; at < b.length; at++) largest = Math.max(largest, Math.abs(b[at]));
  for (let at = 0; at < b.length; at++) {
    const away = Math.abs(a[at] - b[at]);
    assert.ok(away <= tolerance * largest, `${what}: element ${at} is ${a[at]}, wanted ${b[at]}`);
  }
}

function sameRule(pattern: AttentionPattern, { queries, keys }: AttentionCase): void {
  const positions = tf.add(tf.range(0, queries, 1, 'int32'), tf.scalar(keys - queries, 'int32'));
  const found = tf.cast(pattern.visible(positions, keys), 'int32').dataSync();
  const wanted = tf.cast(attentionMask(pattern, queries, keys), 'int32').dataSync();
  assert.deepEqual(Array.from(found), Array.from(wanted), 'visible and sees differ');
}

function growsLinearly(pattern: AttentionPattern): void {
  const pairs = (length: number): number => layoutFor(pattern, length, length).keyBlocks.length;
  const exponent = Math.log(pairs(longText) / pairs(shortText)) / Math.log(longText / shortText);
  assert.ok(exponent < 1.2, `pairs of blocks grow with the power ${exponent.toFixed(2)} of the length`);
}

function isCausal(pattern: AttentionPattern): void {
  if (!pattern.causal) return;
  for (let query = 0; query < 40; query++) {
    for (let key = query + 1; key < 40; key++) assert.ok(!pattern.sees(query, key, 40), `${query} sees ${key}`);
  }
}

function opCase(
  pattern: AttentionPattern,
  one: AttentionCase,
): OpCase<SparseAttentionInputs, SparseAttentionAttributes> {
  const { queries, keys, features } = one;
  return {
    name: titleOf(one),
    inputs: () => {
      const [query, key, value] = tensorsOf(one);
      return { query, key, value };
    },
    attributes: { scale: 1 / Math.sqrt(features), ...layoutFor(pattern, queries, keys) },
  };
}
