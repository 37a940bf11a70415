import { createModel, disposeModel, llama, selectBackend } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { adamw, cosine, createTokenDataset, float16, readTextFile, train } from '@tesserae/trainer';
import type { PrecisionOption, TrainingHistory } from '@tesserae/trainer';
import path from 'node:path';
import { textChart } from '../text-chart';
import type { Study } from '../study';

const steps = 240;
const seeds = 3;
/** Overflows after this step are those of a scale that grew, not of the one it began with. */
const settled = steps / 4;

/**
 * A small Llama form on the characters of tiny Shakespeare, in float32, float16, bfloat16 and float8, from the same weights
 * with the same batches: is the validation loss that of float32? In float16 the loss begins with a scale at which gradients
 * overflow, so that steps are skipped, and the scale grows fifty times as often as is usual, for more overflows later. A
 * skipped step is an update less.
 */
export const mixedPrecisionStudy: Study = async ({ say, seed = 1 }) => {
  await selectBackend({ log: say });
  const data = process.env.TESSERAE_TEST_DATA ?? path.join('..', 'shared', 'data');
  const text = (await readTextFile(path.join(data, 'text', 'tinyshakespeare.txt'))).slice(0, 400_000);
  const tokenizer = trainCharacterTokenizer(text);
  const dataset = createTokenDataset(text, { tokenizer, validationFraction: 0.1 });
  const precisions: Record<string, PrecisionOption> = {
    float32: 'float32',
    float16: float16({ initialScale: 2 ** 24, growthInterval: 40 }),
    bfloat16: 'bfloat16',
    float8: 'float8',
  };
  const form = { hiddenSize: 64, intermediateSize: 160, numHiddenLayers: 2, numAttentionHeads: 2 };
  const histories: Record<string, TrainingHistory[]> = {};
  for (let i = 0; i < seeds; i++) {
    const size = { ...form, vocabSize: tokenizer.vocabSize, maxPositionEmbeddings: 64 };
    const start = createModel(llama, size, { seed: seed + i });
    for (const [name, precision] of Object.entries(precisions)) {
      const began = performance.now();
      const { model, history } = await train(start, {
        data: dataset,
        precision,
        steps,
        batchSize: 16,
        contextLength: 64,
        optimizer: adamw({ beta2: 0.99, weightDecay: 0.1 }),
        schedule: cosine({ learningRate: 4e-3, minimumLearningRate: 4e-4, warmupSteps: 20, totalSteps: steps }),
        evaluateEvery: steps / 4,
        evaluationBatches: 16,
        seed: seed + i,
        progress: false,
      });
      disposeModel(model);
      (histories[name] ??= []).push(history);
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const skipped = history.steps.filter((record) => record.skipped).length;
      const loss = history.evaluations.at(-1)!.loss.toFixed(4);
      say(`seed ${seed + i}, ${name}: validation loss ${loss} in ${seconds} s${skipped ? `, ${skipped} skipped` : ''}`);
    }
    disposeModel(start);
  }
  const final = (history: TrainingHistory): number => history.evaluations.at(-1)!.loss;
  const worst = (name: string): number =>
    Math.max(...histories[name].map((history, i) => final(history) / final(histories.float32[i]) - 1));
  const skipped = histories.float16.map((history) => history.steps.filter((record) => record.skipped).length);
  const late = histories.float16.map(
    (history) => history.steps.filter(({ step, skipped }) => skipped === true && step > settled).length,
  );
  // Recovered: an update was made after the last one that overflowed.
  const recovered = histories.float16.every(({ steps: made }) => made.at(-1)!.skipped !== true);
  const marks = { float32: '.', float16: 'h', bfloat16: 'b', float8: '8' } as const;
  const series = Object.entries(marks).map(([name, mark]) => {
    const { evaluations } = histories[name][0];
    return { name, mark, x: evaluations.map(({ step }) => step), y: evaluations.map(({ loss }) => loss) };
  });
  say(`\n${textChart(series)}\n`);
  return {
    figures: {
      float32Loss: final(histories.float32[0]),
      float16Excess: worst('float16'),
      bfloat16Excess: worst('bfloat16'),
      float8Excess: worst('float8'),
      leastSkippedSteps: Math.min(...skipped),
      leastLateOverflows: Math.min(...late),
      recovered: Number(recovered),
    },
    wanted: {
      float16Excess: { atMost: 0.01 },
      bfloat16Excess: { atMost: 0.01 },
      float8Excess: { atMost: 0.01 },
      leastSkippedSteps: { atLeast: 1 },
      leastLateOverflows: { atLeast: 1 },
      recovered: { atLeast: 1 },
    },
    absent: [],
    files: [],
  };
};
