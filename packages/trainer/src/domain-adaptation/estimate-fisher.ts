import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { compile, registerGradients } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { createProgress } from '@tesserae/display';
import { tesseraeError } from '@tesserae/registry';
import { createBatchSampler, createTokenDataset } from '../data/index';
import type { TokenDataset, TokenSource } from '../data/index';
import { checkVocabulary, isTokenDataset } from '../data/token-dataset';
import { gradientsOf } from '../gradient-methods/index';
import { batchTensors, countLabels } from '../loop/batches';
import type { BatchTensors } from '../loop/batches';
import { modelLeaves, treeWith } from '../loop/leaves';
import { batchLosses, totalOf } from '../loop/losses';
import type { Objective, ObjectiveBatch } from '../objectives/index';
import { checkOptions, required, rules } from '../options';
import type { FisherInformation } from './fisher-information';

/** Options of {@link estimateFisher}. */
export interface FisherOptions {
  /** Text or ids of the old domain; with an `objective` its rows. */
  readonly data: TokenSource | TokenDataset | readonly (string | object)[];
  /** What the model learned there: to predict the next token when absent. */
  readonly objective?: Objective;
  /** Rows to look at: 256. */
  readonly rows?: number;
  /** Rows whose gradients are made together: 1. More is quicker and, away from a minimum, too high. */
  readonly rowsPerGradient?: number;
  /** Tokens of a row: the model's `maxPositionEmbeddings`. */
  readonly contextLength?: number;
  /** Decides which rows: 0. */
  readonly seed?: number;
  /** Stops it, which then throws E_ABORTED. */
  readonly signal?: AbortSignal;
  /** Show progress in the terminal or notebook: true. */
  readonly progress?: boolean;
}

/**
 * Estimates the diagonal of the Fisher information of a model in a domain: how much the loss hangs on each parameter.
 *
 * Fᵢ = (1/R) Σᵣ nᵣ (∂ℓᵣ/∂θᵢ)², ℓᵣ the mean loss of row r over its nᵣ labels
 *
 * The squared gradient of a row's mean loss is that of a token divided by nᵣ, as far as tokens' gradients are independent, so F
 * is the Fisher information of one token. It is the empirical one: with the labels of the data, not labels drawn from the
 * model. One compiled program makes the gradients of a row and adds their squares up. Dropout is off.
 *
 * @param model the model as it came out of the old domain; it is not changed
 * @param options data of the old domain, how many rows, the objective
 * @returns F by parameter, for `ewc`; its tensors are yours: call `dispose()`
 * @throws E_OPTION, E_UNKNOWN_OPTION, E_WEIGHT_FORM; what data and objectives throw; E_ABORTED
 *
 * Kirkpatrick et al.: "Overcoming catastrophic forgetting in neural networks" (2017), section 2; on the empirical one:
 * Kunstner, Balles and Hennig: "Limitations of the Empirical Fisher Approximation" (2019).
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { estimateFisher } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 2, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const fisher = await estimateFisher(model, { data: [0, 1, 2, 3, 0, 1, 2, 3, 0], rows: 4, progress: false });
 * console.log(fisher.values.get('finalNorm.bias')!.shape, fisher.rows); // → [ 2 ] 4
 * fisher.dispose();
 * disposeModel(model);
 * ```
 */
export async function estimateFisher<C>(model: Model<C>, options: FisherOptions): Promise<FisherInformation> {
  checkFisherOptions(options);
  const { rows = 256, rowsPerGradient = 1, objective, signal, progress = true } = options;
  const known = model as unknown as Model;
  const sampler = await samplerOf(known, options, rowsPerGradient);
  registerGradients();
  const leaves = modelLeaves(known);
  const learning = leaves.filter(({ learns }) => learns);
  const fixed = leaves.filter(({ learns }) => !learns);
  const paths = [...learning, ...fixed].map(({ path }) => path);
  const add = compile(
    (sums: Tensor[], loss: Scalar, parameters: Tensor[], others: Tensor[], batch: BatchTensors, labels: Scalar) => {
      const lossOf = (some: readonly Tensor[]): Scalar => {
        const tensors = new Map([...some, ...others].map((tensor, i) => [paths[i], tensor]));
        return totalOf(batchLosses(known, treeWith(known.params, tensors), objective, batch));
      };
      const found = gradientsOf(lossOf, parameters);
      const squares = found.gradients.map((gradient) => tf.mul(tf.square(gradient), labels));
      return { sums: sums.map((sum, i) => tf.add(sum, squares[i])), loss: tf.add(loss, found.loss) };
    },
    { name: 'fisherInformation', donate: [0, 1] },
  );
  const count = Math.ceil(rows / rowsPerGradient);
  const bar = progress ? createProgress({ total: count, label: 'Fisher information', unit: 'gradient' }) : undefined;
  let state: { sums: Tensor[]; loss: Tensor } = {
    sums: learning.map(({ tensor }) => tf.zeros(tensor.shape)),
    loss: tf.scalar(0),
  };
  try {
    for (let i = 0; i < count; i++) {
      if (signal?.aborted === true) throw aborted(i, count);
      const batch = sampler(i);
      const tensors = batchTensors(batch, rowsPerGradient);
      const labels = countLabels(batch, rowsPerGradient);
      try {
        const [parameters, others] = [learning, fixed].map((some) => some.map(({ tensor }) => tensor));
        state = await add.runAsync(state.sums, state.loss as Scalar, parameters, others, tensors, labels);
      } finally {
        tf.dispose(Object.values(tensors));
      }
      bar?.update(i + 1);
    }
    const means = state.sums.map((sum) => tf.tidy(() => tf.div(sum, count)));
    return {
      values: new Map(learning.map(({ path }, i) => [path, means[i]])),
      rows: count * rowsPerGradient,
      loss: (await state.loss.data())[0] / count,
      dispose: () => tf.dispose(means.filter((tensor) => !tensor.isDisposed)),
    };
  } finally {
    bar?.end();
    add.dispose();
    tf.dispose([...state.sums, state.loss].filter((tensor) => !tensor.isDisposed));
  }
}

function checkFisherOptions(options: FisherOptions): void {
  checkOptions<FisherOptions>('estimateFisher', options, {
    data: required({
      expected: 'text, token ids, a dataset or rows',
      test: (v) => typeof v === 'string' || typeof v === 'object',
    }),
    objective: rules.object,
    rows: rules.positiveInteger,
    rowsPerGradient: rules.positiveInteger,
    contextLength: rules.positiveInteger,
    seed: rules.nonNegativeInteger,
    signal: rules.object,
    progress: rules.boolean,
  });
}

async function samplerOf(
  model: Model,
  options: FisherOptions,
  rows: number,
): Promise<(step: number) => ObjectiveBatch> {
  const { data, objective, seed = 0 } = options;
  if (objective !== undefined) {
    const { sampler } = await objective.prepare(model, data, {
      rows,
      evaluationRows: rows,
      evaluationBatches: 0,
      contextLength: options.contextLength,
      validationFraction: 0,
      seed,
    });
    return sampler;
  }
  const dataset = isTokenDataset(data)
    ? data
    : createTokenDataset(data as TokenSource, { tokenizer: model.tokenizer, validationFraction: 0 });
  checkVocabulary(dataset, model.config.vocabSize);
  const contextLength = options.contextLength ?? model.config.maxPositionEmbeddings;
  return createBatchSampler(dataset.train, { batchSize: rows, contextLength, seed }) as (
    step: number,
  ) => ObjectiveBatch;
}

const aborted = (made: number, count: number): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'estimateFisher',
    code: 'E_ABORTED',
    message: `stopped by the signal after ${made} of ${count} gradients`,
    fix: 'call it again to start anew',
  });
