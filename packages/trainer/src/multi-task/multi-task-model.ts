import * as tf from '@tensorflow/tfjs-core';
import { createModel, flattenParams, isWeightForm, mapParams } from '@tesserae/core';
import type { Architecture, ArchitectureConfig, Model, ParameterSpec } from '@tesserae/core';
import { badHeads, checkHeads, headLogits, headNamed, namesTokens, outputsOf, viewOf } from './task-head';
import type { MultiTaskConfig, TaskHeads } from './task-head';

/** Options of {@link createMultiTaskModel}. */
export interface MultiTaskModelOptions {
  /** Seed of the heads, and of what the trunk does not bring: 0. */
  readonly seed?: number;
}

/** How far fresh weights of heads are from 0, as in BERT. */
const SPREAD = 0.02;

/**
 * Puts several heads on one trunk: tasks of different kinds in one model, which share all layers.
 *
 * The body of the given model becomes the trunk: its weights are taken over, those of its own head are left out. The heads
 * are `heads.NAME.weight` [numLabels, D] and `heads.NAME.bias` in the tree of parameters. A head for texts reads the pooled
 * first token where the body has a pooler (BERT's), otherwise the mean over the tokens. Heads that name tokens (`masked-lm`,
 * `causal-lm`) have a bias alone: their weight is the trunk's table of embeddings.
 *
 * @param trunk a model, fresh or pre-trained, with a tokenizer if its tasks have texts; it stays as it is
 * @param heads a kind and a number of labels for each task
 * @param options the seed of fresh weights
 * @returns a model for `train(model, { objective: multiTask(…) })` and {@link taskModel}; its tensors are yours
 * @throws E_OPTION for heads that cannot be, E_CONFIG when the architecture has no body without a head
 *
 * Caruana: "Multitask Learning" (1997); Liu et al.: "Multi-Task Deep Neural Networks for Natural Language Understanding" (2019).
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { bert, createModel, disposeModel } from '@tesserae/core';
 * import { createMultiTaskModel } from '@tesserae/trainer';
 * const size = { vocabSize: 9, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 8 };
 * const trunk = createModel(bert, { ...size, head: 'masked-lm' }, { seed: 1 });
 * const model = createMultiTaskModel(trunk, { spam: { kind: 'classification' }, stars: { kind: 'regression' } });
 * console.log(Object.keys(model.params.heads)); // → [ 'spam', 'stars' ]
 * [trunk, model].forEach(disposeModel);
 * ```
 */
export function createMultiTaskModel<C extends ArchitectureConfig>(
  trunk: Model<C>,
  heads: TaskHeads,
  options: MultiTaskModelOptions = {},
): Model<C & MultiTaskConfig> {
  checkHeads(heads);
  const architecture = withHeads(trunk.architecture);
  const fresh = createModel(
    architecture,
    { ...trunk.config, heads },
    { seed: options.seed, tokenizer: trunk.tokenizer },
  );
  const known = new Map(flattenParams(trunk.params));
  const params = mapParams(fresh.params, (weight, path) => {
    const own = known.get(path);
    if (own === undefined || path.startsWith('heads.')) return weight;
    if (isWeightForm(own))
      throw badHeads(`${path} of the trunk is no plain tensor`, 'turn it into a dense weight first');
    tf.dispose(weight as tf.Tensor);
    return tf.clone(own);
  });
  return { ...fresh, params };
}

/** The architecture of a body with several heads. */
function withHeads<C extends ArchitectureConfig>(base: Architecture<C>): Architecture<C & MultiTaskConfig> {
  const { encode: _encode, cacheShape: _cacheShape, ...rest } = base;
  return {
    ...(rest as unknown as Architecture<C & MultiTaskConfig>),
    name: `multi-task-${base.name}`,
    configure: ({ heads, ...config }) => {
      checkHeads(heads);
      return { ...base.configure({ ...config, head: 'none' } as unknown as Partial<C>), heads };
    },
    parameters(config) {
      const body = base.parameters(config);
      return [...body, ...headSpecs(config, body)];
    },
    forward: (params, inputs, { config, ...options }) => base.forward(params, inputs, { ...options, config }),
  };
}

/** @throws E_OPTION when a head names tokens and there is no table for it */
const headSpecs = (
  { heads, hiddenSize, vocabSize }: MultiTaskConfig,
  body: readonly ParameterSpec[],
): ParameterSpec[] =>
  Object.entries(heads).flatMap(([name, head]): ParameterSpec[] => {
    if (namesTokens(head)) checkTable(name, body, [vocabSize, hiddenSize]);
    const spec = (part: string, shape: readonly number[], more: Pick<ParameterSpec, 'initialization' | 'decay'>) => ({
      path: `heads.${name}.${part}`,
      shape,
      checkpointName: `heads.${name}.${part}`,
      ...more,
    });
    const drawn = { initialization: { kind: 'normal', standardDeviation: SPREAD }, decay: true } as const;
    return [
      ...(namesTokens(head) ? [] : [spec('weight', [outputsOf(head), hiddenSize], drawn)]),
      spec('bias', [namesTokens(head) ? vocabSize : outputsOf(head)], {
        initialization: { kind: 'zeros' },
        decay: false,
      }),
    ];
  });

function checkTable(name: string, body: readonly ParameterSpec[], wanted: readonly number[]): void {
  const table = body.find(({ path }) => path === 'tokenEmbedding.weight');
  if (String(table?.shape) === String(wanted)) return;
  const found = table === undefined ? 'none' : `one of [${String(table.shape)}]`;
  throw badHeads(
    `the head ${name} needs a table of embeddings [${String(wanted)}], and the trunk has ${found}`,
    'use a head of another kind, or another trunk',
  );
}

/**
 * One task of a model with several heads as an ordinary model: a classifier of texts or of tokens, for `evaluate` and
 * whatever else takes one.
 *
 * @param model a model of `createMultiTaskModel`, or what `train` made of it
 * @param name the task
 * @returns a model around the same tensors: it is valid as long as the other, and not to be disposed itself
 * @throws E_OPTION when there is no such head
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { bert, createModel, disposeModel } from '@tesserae/core';
 * import { createMultiTaskModel, taskModel } from '@tesserae/trainer';
 * const size = { vocabSize: 9, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 8 };
 * const trunk = createModel(bert, size, { seed: 1 });
 * const model = createMultiTaskModel(trunk, { topic: { kind: 'classification', numLabels: 5 } });
 * const { head, numLabels } = taskModel(model, 'topic').config;
 * console.log(head, numLabels); // → sequence-classification 5
 * [trunk, model].forEach(disposeModel);
 * ```
 */
export function taskModel<C extends MultiTaskConfig>(model: Model<C>, name: string): Model<C> {
  const { architecture, config } = model;
  checkHeads((config as Partial<C>).heads);
  const head = headNamed(config.heads, name);
  return {
    ...model,
    config: { ...config, ...viewOf(head) },
    architecture: {
      ...architecture,
      name: `${architecture.name}-${name}`,
      forward(params, inputs, options) {
        const trunk = { ...options, config: { ...options.config, head: 'none' as const } };
        const output = architecture.forward(params, inputs, trunk);
        return { ...output, logits: headLogits(params, name, head, output, inputs.attentionMask) };
      },
    },
  };
}
