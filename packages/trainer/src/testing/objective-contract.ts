import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { disposeModel } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { adamw } from '../optimizers/index';
import { train } from '../loop/index';
import type { Objective, ObjectiveSettings } from '../objectives/index';
import type { TestRunner } from './optimizer-contract';

/** What a contract needs to know of an objective. */
export interface ObjectiveContract {
  readonly name: string;
  create(): Objective;
  /** A small model without dropout that can learn it; it stays the caller's. */
  model(): Model;
  /** Data for that model: at least eight rows that can be learned by heart. */
  readonly data: readonly (string | object)[];
  /** Steps after which the loss must have halved, at a rate of 0.01: 40. */
  readonly steps?: number;
  /** Whether the loss of a step is that of its micro-batches: true; not where rows look at each other, or units drop. */
  readonly microBatches?: boolean;
}

/**
 * The tests that every objective passes: batches that follow from seed and step alone, in range and of one shape, packed
 * where it says `packs: true`; a loss that halves when it is learned, the same in micro-batches; coded errors for data it
 * cannot use; no leaked tensors.
 *
 * Runs on whatever backend is active.
 *
 * @param contract the objective, a model and data
 * @param runner `describe` and `it` of the test runner
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * import { completion } from '@tesserae/trainer';
 * import { describeObjectiveContract } from '@tesserae/trainer/testing';
 * const tokenizer = trainCharacterTokenizer('abcd');
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const names: string[] = [];
 * describeObjectiveContract(
 *   {
 *     name: 'completion',
 *     create: () => completion(),
 *     model: () => createModel(gpt2, config, { tokenizer }) as never,
 *     data: [{ prompt: 'a', completion: 'b' }, { prompt: 'c', completion: 'd' }],
 *   },
 *   { describe: (_, body) => body(), it: (name) => void names.push(name) },
 * );
 * console.log(names.length > 3); // → true
 * ```
 */
export function describeObjectiveContract(contract: ObjectiveContract, { describe, it }: TestRunner): void {
  const { name, create, model, data, steps = 40, microBatches = true } = contract;
  const settings: ObjectiveSettings = {
    rows: 4,
    evaluationRows: 2,
    evaluationBatches: 2,
    contextLength: undefined,
    validationFraction: 0.25,
    seed: 3,
  };

  describe(`objective contract: ${name}`, () => {
    it('makes batches that follow from seed and step alone', async () => {
      assert.equal(create().name, name);
      const one = await create().prepare(model(), data, settings);
      const two = await create().prepare(model(), data, settings);
      const late = two.sampler(5); // asked for before the others
      for (const step of [0, 1, 5]) assert.deepEqual(one.sampler(step), two.sampler(step));
      assert.deepEqual(late, one.sampler(5));
      assert.notDeepEqual(one.sampler(0), one.sampler(1));
      assert.equal(one.fingerprint, two.fingerprint);
      assert.deepEqual(one.evaluationBatches, two.evaluationBatches);
      const other = await create().prepare(model(), data, { ...settings, seed: 4 });
      assert.notDeepEqual(one.sampler(0), other.sampler(0));
    });

    it('keeps ids in range, shapes the same, and something to learn in every batch', async () => {
      const { sampler, contextLength, evaluationBatches } = await create().prepare(model(), data, settings);
      const shapes = (batch: ReturnType<typeof sampler>): string =>
        JSON.stringify(Object.entries(batch).map(([key, list]) => [key, list?.length]));
      for (let step = 0; step < 8; step++) {
        const batch = sampler(step);
        assert.equal(shapes(batch), shapes(sampler(0)));
        assert.equal(batch.inputIds.length, settings.rows * contextLength);
        assert.ok(batch.inputIds.every((id) => id >= 0 && id < model().config.vocabSize));
        assert.ok(batch.labels?.some((label) => label !== -100) ?? true);
      }
      assert.ok(evaluationBatches.length >= 1);
    });

    it('has a loss that halves when it is learned, the same in micro-batches, and leaks nothing', async () => {
      const options = {
        data,
        objective: create(),
        steps,
        batchSize: 4,
        evaluateEvery: steps,
        progress: false,
        seed: 2,
      };
      model();
      const before = tf.memory().numTensors;
      const run = async (more: object): Promise<number[]> => {
        const result = await train(model(), { ...options, optimizer: adamw({ learningRate: 0.01 }), ...more });
        disposeModel(result.model);
        return result.history.steps.map(({ loss }) => loss);
      };
      const losses = await run({});
      const first = losses.slice(0, 4).reduce((a, b) => a + b);
      const last = losses.slice(-4).reduce((a, b) => a + b);
      assert.ok(last < first / 2, `the loss went from ${first / 4} to ${last / 4}`);
      const parts = await run({ microBatchSize: 2, steps: 3, evaluateEvery: 3 });
      if (microBatches)
        parts.forEach((loss, i) =>
          assert.ok(Math.abs(loss - losses[i]) < 1e-3, `step ${i}: ${loss}, not ${losses[i]}`),
        );
      assert.equal(tf.memory().numTensors, before);
    });

    it('packs several rows into one of the batch, by seed and step alone, or says why it cannot', async () => {
      const { packs } = create();
      if (packs !== true) {
        assert.ok(packs === undefined || packs.length > 0);
        return;
      }
      const packed = { ...settings, rows: 2, packing: { buffer: 5 } };
      const prepare = async () => create().prepare(model(), data, packed);
      const [one, two] = [await prepare(), await prepare()];
      const { contextLength: width, packable } = one;
      assert.ok(packable!.sequences.every(({ length }) => length >= 1 && length <= width));
      const last = two.sampler(6);
      for (let step = 0; step < 7; step++) {
        const { inputIds, labels, sequenceIds } = one.sampler(step);
        for (const list of [inputIds, labels, sequenceIds]) assert.equal(list?.length, 2 * width);
        const misplaced = sequenceIds!.findIndex((id, i) => {
          const before = i % width === 0 ? 0 : sequenceIds![i - 1];
          return id === 0
            ? labels![i] !== -100
            : id !== before && !(id === before + 1 && (before > 0 || i % width === 0));
        });
        assert.equal(misplaced, -1, `step ${step}: the tokens of a sequence stand side by side, padding behind them`);
      }
      assert.deepEqual(last, one.sampler(6));
    });

    it('refuses data that it cannot use', async () => {
      for (const wrong of [undefined, [], [1, 2], [{}, {}], 'text'])
        await assert.rejects(
          async () => create().prepare(model(), wrong, settings),
          (error) => isTesseraeError(error, 'E_OBJECTIVE_DATA'),
        );
    });
  });
}
