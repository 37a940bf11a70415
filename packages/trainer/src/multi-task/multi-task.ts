import * as tf from '@tensorflow/tfjs-core';
import type { Scalar } from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Objective, OutputObjective } from '../objectives/index';
import { badLearner } from '../objectives/objective-errors';
import { checkOptions, required } from '../options';
import { LABELS, labelsName } from './labels-name';
import { badHeads, headLogits } from './task-head';
import type { MultiTaskConfig } from './task-head';
import { prepareTasks } from './task-rows';
import { temperatureSampling } from './task-sampling';
import type { TaskSampling } from './task-sampling';

/** Options of {@link multiTask}. */
export interface MultiTaskOptions {
  /** What each task learns, by the name of its head: `{ spam: sequenceClassification(), stars: regression() }`. */
  readonly tasks: Readonly<Record<string, Objective>>;
  /** How many rows each task has in a step: `temperatureSampling()`. */
  readonly sampling?: TaskSampling;
}

/**
 * Learning several tasks at once, with a head each on one trunk. Every step holds rows of all of them in one batch, which goes
 * through the trunk once.
 *
 * Lₖ = (K / B) Σ losses of the rows of task k, of B rows of K tasks in all: a task counts as much as it has rows, and with
 * equal shares Lₖ is its mean loss. What is learned is Σ Lₖ, or what a gradient method makes of it.
 *
 * The data is a list of the rows of all tasks, each with the name of its `task`: `{ task: 'spam', text, label }`. Tasks that name
 * tokens (`maskedLanguageModeling`, `causalLanguageModeling`, with heads of the kinds `masked-lm`, `causal-lm`) take `{ task, text }`.
 *
 * @param options the objective of each task, and how many rows each has in a step
 * @returns the objective, for `train(model, { data, objective, gradients: pcgrad() })` with a model of `createMultiTaskModel`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; E_OBJECTIVE_DATA and E_OBJECTIVE_MODEL in training
 *
 * Caruana: "Multitask Learning" (1997).
 *
 * @example
 * ```ts
 * import { multiTask, regression, sequenceClassification, sizeSampling } from '@tesserae/trainer';
 * const tasks = { spam: sequenceClassification(), stars: regression() };
 * console.log(multiTask({ tasks, sampling: sizeSampling() }).hyperparameters.sampling); // → size
 * ```
 */
export const multiTask: Plugin<'objective', 'multi-task', (options: MultiTaskOptions) => Objective> =
  /* @__PURE__ */ definePlugin({
    kind: 'objective',
    name: 'multi-task',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Several tasks at once, with a head each on one trunk',
    create: createMultiTask,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:multi-task': typeof multiTask;
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function createMultiTask(options: MultiTaskOptions): Objective {
  checkOptions<MultiTaskOptions>('multi-task', options, {
    tasks: required({ expected: 'objectives by the names of their tasks', test: isObject }),
    sampling: {
      expected: 'a sampling such as sizeSampling()',
      test: (value) => typeof (value as Partial<TaskSampling> | null)?.shares === 'function',
    },
  });
  const { tasks, sampling = temperatureSampling() } = options;
  const names = Object.keys(tasks);
  if (names.length === 0) throw badHeads('there are no tasks', 'give { NAME: sequenceClassification() }');
  for (const name of names) checkTask(name, tasks[name]);
  return {
    name: 'multi-task',
    hyperparameters: {
      tasks: names
        .map((name) => `${name} ${tasks[name].name} ${JSON.stringify(tasks[name].hyperparameters)}`)
        .join('; '),
      sampling: sampling.name,
      samplingOptions: JSON.stringify(sampling.hyperparameters),
    },
    parts: names,
    packs: 'its rows are of several tasks, and some read one vector of a row',
    prepare: (model, data, settings) => prepareTasks(headedModel(model, names), data, settings, { tasks, sampling }),
    losses({ model, params, forward }, { task, ...tensors }) {
      const labels = Object.fromEntries(names.map((name) => [name, tensors[labelsName(name)]]));
      const inputs = Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith(LABELS)));
      const output = forward(inputs);
      const { heads } = (model as Model<MultiTaskConfig>).config;
      const rows = task.shape[0];
      return Object.fromEntries(
        names.map((name, k) => {
          const own = tf.cast(tf.equal(task, k), 'float32'); // [B, 1]
          const logits = headLogits(params, name, heads[name], output, inputs.attentionMask);
          const loss = tasks[name] as OutputObjective;
          const floats = labels[name].dtype === 'float32';
          const seen = floats ? tf.mul(logits, own) : logits; // where labels are numbers, other rows are 0 on both sides
          const mean = loss.loss({ ...output, logits: seen }, { ...inputs, labels: labels[name] }); // []
          const share = floats ? tf.scalar(1) : tf.div(tf.sum(own), rows); // []
          return [name, tf.mul(mean, tf.mul(share, names.length)) as Scalar];
        }),
      );
    },
  };
}

function checkTask(name: string, objective: unknown): void {
  if (typeof (objective as Partial<OutputObjective> | null)?.loss === 'function') return;
  throw badHeads(
    `the task ${name} has no objective of one forward pass`,
    'give sequenceClassification(), regression(), tokenLabeling() or maskedLanguageModeling()',
  );
}

/** @throws E_OBJECTIVE_MODEL unless the model has a head for each task */
function headedModel(model: Model, names: readonly string[]): Model<MultiTaskConfig> {
  const { heads } = model.config as Partial<MultiTaskConfig>;
  const missing = names.filter((name) => !isObject(heads) || !Object.hasOwn(heads, name));
  if (missing.length === 0) return model as unknown as Model<MultiTaskConfig>;
  throw badLearner(
    'multi-task',
    `${model.architecture.name} has no head for ${missing.join(', ')}`,
    'make the model with createMultiTaskModel(trunk, heads)',
  );
}
