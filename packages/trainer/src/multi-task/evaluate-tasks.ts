import type { Model } from '@tesserae/core';
import { classification, evaluate, maskedPrediction, tokenClassification } from '../evaluation/index';
import type {
  EvaluateOptions,
  EvaluationResult,
  EvaluationTask,
  LabelledText,
  MaskedText,
  TaggedWords,
} from '../evaluation/index';
import { taskModel } from './multi-task-model';
import { badHeads, headNamed } from './task-head';
import type { MultiTaskConfig, TaskHead } from './task-head';

/** What a task is tried on, and which of its scores counts. */
export interface TaskTest {
  /** Texts with labels, sentences with tags, or texts with masks. */
  readonly data: readonly LabelledText[] | readonly TaggedWords[] | readonly MaskedText[];
  /** The names of classes, or of tags. */
  readonly labels?: readonly string[];
  /** The score that stands for the task, of which more is better: `accuracy`; of a regression `pearson`, of tags `f1`. */
  readonly metric?: string;
}

/** How a model does on each of its tasks. */
export interface TaskScores {
  /** All that was measured, by task. */
  readonly results: Readonly<Record<string, EvaluationResult>>;
  /** The score that stands for each task. */
  readonly scores: Readonly<Record<string, number>>;
  /** The mean of these. */
  readonly mean: number;
  /** The task with the lowest of these. */
  readonly worst: string;
}

/**
 * Tries a model with several heads on each of its tasks.
 *
 * @param model a model of `createMultiTaskModel`, or what `train` made of it
 * @param tests data by task; tasks that are not named are left out
 * @param options as of `evaluate`
 * @returns each task's metrics, the score that stands for it, their mean and the worst
 * @throws E_OPTION for a task that the model has not or a metric that the task has not; what `evaluate` throws
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { bert, createModel, disposeModel } from '@tesserae/core';
 * import { createMultiTaskModel, evaluateTasks } from '@tesserae/trainer';
 * const size = { vocabSize: 9, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 8 };
 * const trunk = createModel(bert, size, { seed: 1 });
 * const model = createMultiTaskModel(trunk, { spam: { kind: 'classification' } });
 * const tests = { spam: { data: [{ text: [1, 2], label: 0 }, { text: [1, 3], label: 1 }] } };
 * const { worst, scores, mean } = await evaluateTasks(model, tests, { progress: false });
 * console.log(worst, scores.spam === mean); // → spam true
 * [trunk, model].forEach(disposeModel);
 * ```
 */
export async function evaluateTasks<C extends MultiTaskConfig>(
  model: Model<C>,
  tests: Readonly<Record<string, TaskTest>>,
  options: EvaluateOptions = {},
): Promise<TaskScores> {
  const names = Object.keys(tests ?? {});
  if (names.length === 0) throw badHeads('there are no tasks to try', 'give { NAME: { data } }');
  const results: Record<string, EvaluationResult> = {};
  const scores: Record<string, number> = {};
  for (const name of names) {
    const { kind } = headNamed(model.config.heads, name);
    const task = taskOf(name, kind, tests[name]);
    const result: EvaluationResult = await evaluate(taskModel(model, name), task, options);
    const chosen = tests[name].metric ?? usual[kind] ?? 'accuracy';
    if (!Object.hasOwn(result.metrics, chosen))
      throw badHeads(`${name} has no score '${chosen}'`, `use one of ${Object.keys(result.metrics).join(', ')}`);
    [results[name], scores[name]] = [result, result.metrics[chosen].value];
  }
  const mean = names.reduce((sum, name) => sum + scores[name], 0) / names.length;
  const worst = names.reduce((low, name) => (scores[name] < scores[low] ? name : low));
  return { results, scores, mean, worst };
}

/** The score that stands for a task where none is named; accuracy for the others. */
const usual: { readonly [kind in TaskHead['kind']]?: string } = { regression: 'pearson', 'token-classification': 'f1' };

function taskOf(name: string, kind: TaskHead['kind'], { data, labels }: TaskTest): EvaluationTask {
  switch (kind) {
    case 'token-classification':
      return tokenClassification({ data: data as readonly TaggedWords[], labels: labels ?? [] }) as EvaluationTask;
    case 'masked-lm':
      return maskedPrediction({ data: data as readonly MaskedText[] }) as EvaluationTask;
    case 'causal-lm':
      throw badHeads(
        `of the scores of ${name} none is better the higher it is`,
        `use evaluate(taskModel(model, '${name}'), perplexity({ data }))`,
      );
    default:
      return classification({ data: data as readonly LabelledText[], ...(labels && { labels }) }) as EvaluationTask;
  }
}
