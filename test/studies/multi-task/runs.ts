import { bert, createModel, disposeModel } from '@tesserae/core';
import type { BertConfig, Model } from '@tesserae/core';
import { trainWordPiece } from '@tesserae/tokenizer';
import {
  adamw,
  cosine,
  createMultiTaskModel,
  evaluateTasks,
  multiTask,
  sequenceClassification,
  temperatureSampling,
  train,
} from '@tesserae/trainer';
import type { GradientMethod, TaskScores } from '@tesserae/trainer';
import { setting } from './setting';
import type { StudyTask } from './tasks';

export type Tasks = Readonly<Record<string, StudyTask>>;
export type Trunk = Model<BertConfig>;

/** The trunk that every run begins with, which knows nothing yet. */
export function freshTrunk(tasks: Tasks, seed: number): Trunk {
  const texts = Object.values(tasks).flatMap(({ learn }) => learn.map(({ text }) => text));
  const tokenizer = trainWordPiece(texts, { vocabSize: setting.vocabSize });
  return createModel(
    bert,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize: setting.width,
      intermediateSize: 2 * setting.width,
      numHiddenLayers: setting.layers,
      numAttentionHeads: setting.heads,
      maxPositionEmbeddings: setting.longest,
      attentionDropout: 0,
      initializerRange: 0.08, // 0.02 suits widths of a thousand
      padTokenId: 0,
      head: 'none',
      pooler: false, // heads read the mean over tokens
    },
    { seed, tokenizer },
  );
}

const schedules = (steps: number, learningRate: number) =>
  ({
    steps,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: cosine({ learningRate, warmupSteps: Math.ceil(steps / 20), totalSteps: steps }),
    progress: false,
  }) as const;

/** What a run is told beside its tasks. */
export interface RunOptions {
  readonly steps: number;
  readonly seed: number;
  readonly gradients?: GradientMethod;
}

/** Trains some of the tasks from the trunk on, all with the same number of rows in each step, and tests each. */
export async function learnTasks(
  trunk: Trunk,
  tasks: Tasks,
  names: readonly string[],
  { steps, seed, gradients }: RunOptions,
): Promise<TaskScores> {
  const heads = names.map((name) => [name, { kind: 'classification' as const, numLabels: 2 }]);
  const start = createMultiTaskModel(trunk, Object.fromEntries(heads), { seed });
  const { model } = await train(start, {
    data: names.flatMap((name) => tasks[name].learn.map((row) => ({ task: name, ...row }))),
    objective: multiTask({
      tasks: Object.fromEntries(names.map((name) => [name, sequenceClassification()])),
      sampling: temperatureSampling({ temperature: Infinity }),
    }),
    batchSize: setting.rowsOfTask * names.length,
    ...schedules(steps, setting.learningRate),
    ...(gradients && { gradients }),
    seed,
  });
  const tests = names.map((name) => [name, { data: tasks[name].test }]);
  const scores = await evaluateTasks(model, Object.fromEntries(tests), {
    batchSize: 100,
    resamples: 0,
    progress: false,
  });
  [start, model].forEach(disposeModel);
  return scores;
}
