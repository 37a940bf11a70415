import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { disposeAdapter, flattenParams, isWeightForm, removeAdapter, weightOperations } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { adapt, countLearned } from '../fine-tuning/index';
import type { AdapterMethod } from '../fine-tuning/index';
import { train } from '../loop/index';
import { adamw } from '../optimizers/index';
import type { TestRunner } from './optimizer-contract';

/** What a contract needs to know of a way of adapting. */
export interface AdapterContract {
  readonly name: string;
  create(): AdapterMethod;
  /** A small language model without dropout; it stays the caller's. */
  model(): Model;
  /** Token ids that it can learn from. */
  readonly data: readonly number[];
  /** Whether fresh weights change nothing yet: true. */
  readonly startsSilent?: boolean;
}

/** All values of a model, one after the other. */
const valuesOf = (model: Model): number[] =>
  flattenParams(model.params).flatMap(([, weight]) =>
    (isWeightForm(weight) ? Object.values(weightOperations(weight).tensors(weight)) : [weight]).flatMap((tensor) =>
      Array.from(tensor.dataSync()),
    ),
  );

/**
 * The tests that every way of adapting passes: it changes nothing at first, learns its own weights and no others, gives the
 * base back, lets several stand on one base, refuses what is no model, and leaks no tensors.
 *
 * Runs on whatever backend is active.
 *
 * @param contract the method, a model and data
 * @param runner `describe` and `it` of the test runner
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { lora } from '@tesserae/trainer';
 * import { describeAdapterContract } from '@tesserae/trainer/testing';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const names: string[] = [];
 * describeAdapterContract(
 *   { name: 'lora', create: () => lora(), model: () => createModel(gpt2, config) as never, data: [0, 1, 2, 3] },
 *   { describe: (_, body) => body(), it: (name) => void names.push(name) },
 * );
 * console.log(names.length > 3); // → true
 * ```
 */
export function describeAdapterContract(contract: AdapterContract, { describe, it }: TestRunner): void {
  const { name, create, model: makeBase, data, startsSilent = true } = contract;
  const ids = (): tf.Tensor => tf.tensor2d(data.slice(0, 4), [1, 4], 'int32');
  const run = ({ architecture, params, config }: Model): number[] =>
    tf.tidy(() => Array.from(architecture.forward(params, { inputIds: ids() }, { config }).logits.dataSync()));
  const learn = async (model: Model, steps = 12): Promise<{ model: Model; losses: number[] }> => {
    const options = { data, steps, batchSize: 4, contextLength: 4, optimizer: adamw({ learningRate: 0.05 }), seed: 1 };
    const result = await train(model, { ...options, progress: false });
    return { model: result.model, losses: result.history.steps.map(({ loss }) => loss) };
  };

  describe(`adapter contract: ${name}`, () => {
    it('changes nothing before it has learned', () => {
      const base = makeBase();
      const model = adapt(base, create());
      assert.equal(model.adapter?.method, name);
      assert.equal(removeAdapter(model), base);
      if (startsSilent) assert.deepEqual(run(model), run(base));
      assert.ok(countLearned(model).adapter > 0 && countLearned(model).adapter < countLearned(model).total / 2);
      disposeAdapter(model);
    });

    it('learns its own weights and no others', async () => {
      const base = makeBase();
      const before = valuesOf(base);
      const start = adapt(base, create());
      const { model, losses } = await learn(start);
      const [first, last] = [losses.slice(0, 4), losses.slice(-4)].map((some) => some.reduce((a, b) => a + b));
      assert.ok(last < first, `the loss went from ${first} to ${last}`);
      assert.deepEqual(valuesOf(base), before);
      assert.deepEqual(valuesOf(removeAdapter(model)), before);
      assert.notDeepEqual(run(model), run(base));
      for (const one of [start, model]) disposeAdapter(one);
    });

    it('lets several stand on one base', async () => {
      const base = makeBase();
      const alone = run(base);
      const [one, other] = [adapt(base, create()), adapt(base, create())];
      const { model } = await learn(one);
      const learned = run(model);
      for (let i = 0; i < 2; i++) {
        assert.deepEqual(run(model), learned);
        assert.deepEqual(run(base), alone);
        if (startsSilent) assert.deepEqual(run(other), alone);
      }
      for (const adapted of [one, other, model]) disposeAdapter(adapted);
    });

    it('leaks nothing', async () => {
      const base = makeBase();
      run(base);
      const before = tf.memory().numTensors;
      const start = adapt(base, create());
      const { model } = await learn(start, 2);
      for (const adapted of [model, start]) disposeAdapter(adapted);
      assert.equal(tf.memory().numTensors, before);
    });

    it('refuses what is no model', () => {
      assert.throws(
        () => adapt({} as never, create()),
        (error) => isTesseraeError(error, 'E_MODEL'),
      );
    });
  });
}
