import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { countParameters, createModel, disposeModel, generateText, gpt2, selectBackend } from '@tesserae/core';
import { formatDuration, lineChart } from '@tesserae/display';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { adamw, cosine, createBatchSampler, createTokenDataset, readTextFile, train } from '@tesserae/trainer';
import type { TrainingHistory } from '@tesserae/trainer';
import { textChart } from '../text-chart';
import type { Study } from '../study';
import { setting } from './setting';
import { runTwin } from './twin';
import type { Twin } from './twin';

/**
 * A small GPT on the characters of tiny Shakespeare, in nanoGPT's setting for a CPU: does it reach the validation loss of
 * nanoGPT's README, and do its first losses stay with those of PyTorch?
 */
export const shakespeare: Study = async ({ folder, say, seed = setting.seed }) => {
  const backend = await selectBackend({ log: say });
  const data = process.env.TESSERAE_TEST_DATA ?? path.join('..', 'shared', 'data');
  const text = await readTextFile(path.join(data, 'text', 'tinyshakespeare.txt'));
  const tokenizer = trainCharacterTokenizer(text);
  const dataset = createTokenDataset(text, { tokenizer, validationFraction: 0.1 });
  const model = createModel(gpt2, configFor(tokenizer.vocabSize), { seed, tokenizer });
  say(
    `${countParameters(model).toLocaleString('en')} parameters, ${dataset.train.length.toLocaleString('en')} characters to learn from`,
  );

  const order = createBatchSampler(dataset.train, {
    batchSize: setting.batch,
    contextLength: setting.context,
    seed,
  });
  const twin = await runTwin(model, order, path.join(folder, 'twin'));
  const losses: number[] = [];
  const start = performance.now();
  const { model: trained, history } = await train(model, {
    data: dataset,
    order,
    steps: setting.steps,
    batchSize: setting.batch,
    contextLength: setting.context,
    optimizer: adamw({
      beta1: setting.beta1,
      beta2: setting.beta2,
      eps: setting.eps,
      weightDecay: setting.weightDecay,
    }),
    schedule: cosine({
      learningRate: setting.learningRate,
      minimumLearningRate: setting.minimumLearningRate,
      warmupSteps: setting.warmupSteps,
      totalSteps: setting.steps,
    }),
    gradientClipNorm: setting.gradientClipNorm,
    evaluateEvery: 250,
    evaluationBatches: 1000, // as many as the validation text holds: all of it, each character once
    seed,
    progress: false,
    callbacks: {
      onStep: ({ step, loss }) => {
        losses.push(loss);
        if (step === setting.twinSteps) say(`first ${step} losses: ${describeTwin(losses, twin)}`);
      },
      onEvaluate: ({ step, loss }) => say(`step ${step}: validation loss ${loss.toFixed(4)}`),
    },
  });
  const seconds = (performance.now() - start) / 1000;
  disposeModel(model);
  const sample = await generateText(trained, 'ROMEO:', { maxNewTokens: 58, temperature: 0.8, seed });
  disposeModel(trained);

  say(`\n${drawn(history)}\n`);
  say(`after ${formatDuration(seconds)} on ${backend.name}:\nROMEO:${sample}`);
  const worst = worstDifference(losses, twin);
  const svg = path.join(folder, 'loss.svg');
  writeFileSync(svg, await lossChart(history, twin));
  return {
    figures: {
      validationLoss: history.evaluations.at(-1)!.loss,
      ...(worst === undefined ? {} : { worstTwinDifference: worst }),
      steps: history.steps.length,
      seconds,
    },
    wanted: {
      validationLoss: { atMost: 1.88 },
      worstTwinDifference: { atMost: 1e-3 },
      steps: { atLeast: setting.steps },
    },
    absent: 'absent' in twin ? [{ what: 'the PyTorch twin', reason: twin.absent }] : [],
    files: [svg],
  };
};

const configFor = (vocabSize: number) => ({
  vocabSize,
  hiddenSize: setting.width,
  numHiddenLayers: setting.layers,
  numAttentionHeads: setting.heads,
  maxPositionEmbeddings: setting.context,
  attentionDropout: 0,
  embeddingDropout: 0,
  residualDropout: 0,
});

/** The largest difference between a loss of ours and the twin's at the same step. */
function worstDifference(losses: readonly number[], twin: Twin): number | undefined {
  if ('absent' in twin) return undefined;
  if (twin.losses.length !== setting.twinSteps) return NaN;
  return Math.max(...twin.losses.map((loss, i) => Math.abs(loss - losses[i])));
}

const describeTwin = (losses: readonly number[], twin: Twin): string =>
  'absent' in twin
    ? 'no twin to compare with'
    : `at most ${worstDifference(losses, twin)?.toExponential(1)} from those of PyTorch ${twin.version}`;

const column = <T, K extends keyof T>(records: readonly T[], key: K): T[K][] => records.map((record) => record[key]);

const drawn = ({ steps, evaluations }: TrainingHistory): string =>
  textChart([
    { name: 'training', mark: '·', x: column(steps, 'step'), y: column(steps, 'loss') },
    { name: 'validation', mark: '●', x: column(evaluations, 'step'), y: column(evaluations, 'loss') },
  ]);

async function lossChart({ steps, evaluations }: TrainingHistory, twin: Twin): Promise<string> {
  const losses = 'absent' in twin ? [] : twin.losses;
  const { svg } = await lineChart({
    title: 'Tiny Shakespeare, character by character',
    series: [
      { name: 'training', x: column(steps, 'step'), y: column(steps, 'loss'), smooth: true },
      { name: 'validation', x: column(evaluations, 'step'), y: column(evaluations, 'loss') },
      ...(losses.length > 0
        ? [{ name: `PyTorch, first ${losses.length} steps`, x: losses.map((_, i) => i + 1), y: losses, dashed: true }]
        : []),
    ],
    x: { title: 'step', scale: 'log' },
    y: { title: 'nats per character' },
  });
  return svg;
}
