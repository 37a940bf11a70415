import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { evaluate } from '../evaluation/index';
import type { EvaluationResult, EvaluationTask } from '../evaluation/index';
import type { TestRunner } from './optimizer-contract';

/** What a contract needs to know of an evaluation task. */
export interface EvaluationContract {
  readonly name: string;
  /** The task with data that suits the model, at least three samples. */
  create(): EvaluationTask;
  /** A model that can do the task; it stays the caller's. */
  model(): Model;
  /** Largest relative difference between scores of different batch sizes: 1e-4. */
  readonly tolerance?: number;
}

/**
 * The tests that every evaluation task passes: the same scores every time and for every batch size, finite numbers with
 * standard errors, samples when asked for, an end when the signal comes, no leaked tensors, the model left alone.
 *
 * Runs on whatever backend is active.
 *
 * @param contract the task and a model for it
 * @param runner `describe` and `it` of the test runner
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { perplexity } from '@tesserae/trainer';
 * import { describeEvaluationContract } from '@tesserae/trainer/testing';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const names: string[] = [];
 * describeEvaluationContract(
 *   { name: 'perplexity', create: () => perplexity({ data: [0, 1, 2, 3] }), model: () => createModel(gpt2, config) as never },
 *   { describe: (_, body) => body(), it: (name) => void names.push(name) },
 * );
 * console.log(names.length > 3); // → true
 * ```
 */
export function describeEvaluationContract(contract: EvaluationContract, { describe, it }: TestRunner): void {
  const quiet = { progress: false, resamples: 50 };
  const run = (options: object = {}): Promise<EvaluationResult> =>
    evaluate(contract.model(), contract.create(), { ...quiet, ...options });

  describe(`evaluation contract: ${contract.name}`, () => {
    it('gives finite scores with standard errors, and counts what it saw', async () => {
      const { task, metrics, counts, seconds, samples } = await run();
      assert.equal(task, contract.name);
      assert.ok(Object.keys(metrics).length > 0, 'there are no metrics');
      for (const [name, { value, standardError }] of Object.entries(metrics)) {
        assert.ok(Number.isFinite(value), `${name} is ${value}`);
        assert.ok(standardError === undefined || standardError >= 0, `the error of ${name} is ${standardError}`);
      }
      assert.ok(counts.samples >= 3, `there are ${counts.samples} samples`);
      assert.ok(seconds >= 0);
      assert.equal(samples, undefined);
    });

    it('gives the same every time, and the samples when asked for', async () => {
      const [one, two] = [await run({ samples: true }), await run({ samples: true })];
      assert.deepEqual({ ...one, seconds: 0 }, { ...two, seconds: 0 });
      assert.equal(one.samples?.length, one.counts.samples);
    });

    it('does not depend on the batch size', async () => {
      const wanted = await run({ batchSize: 1, resamples: 0 });
      for (const batchSize of [2, 3, 64]) {
        const found = await run({ batchSize, resamples: 0 });
        for (const [name, { value }] of Object.entries(found.metrics)) {
          const difference = Math.abs(value - wanted.metrics[name].value);
          const bound = (contract.tolerance ?? 1e-4) * Math.max(1, Math.abs(value));
          assert.ok(difference <= bound, `${name} differs by ${difference} at batches of ${batchSize}`);
        }
      }
    });

    it('stops when the signal comes', async () => {
      const stopped = (error: unknown): boolean => isTesseraeError(error, 'E_ABORTED');
      await assert.rejects(run({ signal: AbortSignal.abort() }), stopped);
      const controller = new AbortController();
      const running = run({ batchSize: 1, signal: controller.signal });
      controller.abort();
      await assert.rejects(running, stopped);
    });

    it('leaks no tensors, also when it is stopped', async () => {
      contract.model(); // may make it now
      await run();
      const before = tf.memory().numTensors;
      await run();
      await run({ batchSize: 1, signal: AbortSignal.abort() }).catch(() => undefined);
      assert.equal(tf.memory().numTensors, before);
    });
  });
}
