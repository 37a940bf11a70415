/**
 * One training step as compiled programs.
 *
 * With one micro-batch the whole step is one program: forward, loss, gradients, clipping, optimizer. With several, a
 * program that adds the gradients of one micro-batch to a running sum is called for each, and a second one clips and
 * updates: activations then only ever exist for one micro-batch. Parameters, optimizer state and the running sum are
 * donated, so that they are updated in place.
 *
 * Letters in shapes: B rows of a (micro-)batch, T time, V vocabulary, N = B·T.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import {
  compile,
  crossEntropy,
  flattenParams,
  foldIn,
  isWeightForm,
  keyTensor,
  mapParams,
  registerGradients,
} from '@tesserae/core';
import type { ArchitectureConfig, ForwardInputs, Key, Model, Params } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { TokenBatch } from '../data/index';
import type { Objective, ObjectiveBatch } from '../objectives/index';
import { AVERAGE_SLOT } from '../optimizers/averaged';
import { clipScale, clipValues, globalNorm, scaleGradients } from '../optimizers/clip-gradients';
import type { Optimizer, OptimizerState } from '../optimizers/index';

/** The label that does not count. */
export const IGNORED_LABEL = -100;

/** How a step is made. */
export interface TrainingStepOptions {
  readonly optimizer: Optimizer;
  /** Rows of a whole step. */
  readonly batchSize: number;
  /** Rows of one program run; divides `batchSize`. The whole batch when absent. */
  readonly microBatchSize?: number | undefined;
  /** Tokens of a row. */
  readonly contextLength: number;
  /** Largest norm of all gradients together; no limit when absent. */
  readonly gradientClipNorm?: number | undefined;
  /** What is wrong about an answer; cross-entropy of the next token when absent. */
  readonly objective?: Objective | undefined;
  /** Every element of a gradient is brought into ±this, before norms are taken; no limit when absent. */
  readonly gradientClipValue?: number | undefined;
  /** Where the randomness of dropout comes from. */
  readonly key: Key;
  /** Parameters to start from, in the order of the model's tree, which the step takes over; copies of the model's when absent. */
  readonly parameters?: readonly Tensor[] | undefined;
  /** Optimizer state to start from, which the step takes over; fresh state when absent. */
  readonly state?: OptimizerState | undefined;
}

/** What a step reports. */
export interface StepResult {
  /** Mean cross-entropy over the labels that count, in nats. */
  readonly loss: number;
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
}

/** A step that holds parameters and optimizer state, and replaces them at every run. */
export interface TrainingStep {
  /**
   * Makes one update.
   *
   * @param batch the rows of the whole step
   * @param learningRate the rate of this update
   * @param step the number of this update, counted from 1
   */
  run(batch: TokenBatch, learningRate: number, step: number): Promise<StepResult>;
  /** Mean loss over a batch with the present parameters, and how many labels counted; changes nothing. */
  evaluate(batch: TokenBatch): Promise<{ readonly loss: number; readonly labels: number }>;
  /** The present parameters, in the order of `paths`; they belong to the step. */
  parameters(): readonly Tensor[];
  /** The present parameters as a tree; they belong to the step. */
  params(): Params;
  /** Paths of the parameters in the model's tree. */
  readonly paths: readonly string[];
  /** The present optimizer state; it belongs to the step. */
  state(): OptimizerState;
  /** A copy of the averaged parameters as a tree, where the optimizer keeps an average. */
  averageParams(): Params | undefined;
  /** Frees everything but the parameters, and hands those over as a tree. */
  finish(): Params;
  /** Frees everything. */
  dispose(): void;
}

interface Gradients {
  readonly loss: Scalar;
  readonly gradients: Tensor[];
}

/**
 * Makes the compiled step that trains a model.
 *
 * The step copies the model's parameters: the model stays as it is. `step.finish()` gives the trained ones.
 *
 * @param model the model to start from
 * @param options optimizer, sizes, clipping, key and state
 * @returns the step; dispose it, or finish it
 * @throws E_WEIGHT_FORM when the model has a weight that is not a plain float tensor, E_OPTION when micro-batches do not
 *   divide the batch
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createKey, createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { createTrainingStep, sgd } from '@tesserae/trainer';
 * const config = { vocabSize: 8, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 4 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * const step = createTrainingStep(model, { optimizer: sgd(), batchSize: 1, contextLength: 3, key: createKey(0) });
 * const batch = { inputIds: Int32Array.of(1, 2, 3), labels: Int32Array.of(2, 3, 4) };
 * const first = await step.run(batch, 0.1, 1);
 * const second = await step.run(batch, 0.1, 2);
 * console.log(second.loss < first.loss); // → true
 * step.dispose();
 * disposeModel(model);
 * ```
 */
export function createTrainingStep<C extends ArchitectureConfig>(
  model: Model<C>,
  options: TrainingStepOptions,
): TrainingStep {
  const { optimizer, batchSize, contextLength, gradientClipNorm, gradientClipValue, key, objective } = options;
  const microBatchSize = options.microBatchSize ?? batchSize;
  const { vocabSize } = model.config;
  checkDivision(batchSize, microBatchSize);
  registerGradients();
  const leaves = trainableLeaves(model);
  const paths = leaves.map(([path]) => path);
  const specs = new Map(specsOf(model).map((spec) => [spec.path, spec]));
  const learns = paths.map((path) => specs.get(path)?.trainable ?? true);
  const decay = paths.map((path, i) => learns[i] && (specs.get(path)?.decay ?? true));

  const forward = (parameters: readonly Tensor[], { key: dropoutKey, labels, ...inputs }: BatchTensors): Scalar => {
    const output = model.architecture.forward(
      treeOf(model.params, paths, parameters),
      inputs as unknown as ForwardInputs,
      { config: model.config, training: dropoutKey !== undefined, key: dropoutKey },
    );
    const loss = objective?.loss(output, { ...inputs, labels }) ?? nextTokenLoss(output.logits, labels); // []
    return output.auxiliaryLoss ? tf.add(loss, output.auxiliaryLoss) : loss;
  };

  /** Loss and gradients of `weight` times the loss; parameters that do not take part have gradient zero. */
  const differentiate = (parameters: readonly Tensor[], batch: BatchTensors, weight?: Scalar): Gradients => {
    const { value, grads } = tf.engine().gradients(() => forward(parameters, batch), [...parameters], weight, true);
    const gradients = grads.map((gradient, i) => (learns[i] && gradient) || tf.zerosLike(parameters[i]));
    return { loss: value as Scalar, gradients };
  };

  const update = (
    parameters: readonly Tensor[],
    state: OptimizerState,
    raw: Tensor[],
    learningRate: Scalar,
    step: Scalar,
  ): { parameters: Tensor[]; state: OptimizerState; norm: Scalar } => {
    const gradients = clipValues(raw, gradientClipValue);
    const norm = globalNorm(gradients); // []
    const scale = gradientClipNorm === undefined ? undefined : clipScale(norm, gradientClipNorm); // []
    const context = { learningRate, step, decay, names: paths };
    const next =
      optimizer.scalesGradients === true
        ? optimizer.update(gradients, state, parameters, { ...context, gradientScale: scale })
        : optimizer.update(scaleGradients(gradients, scale), state, parameters, context);
    const moved = next.parameters.map((parameter, i) => (learns[i] ? parameter : parameters[i]));
    return { parameters: moved, state: next.state, norm };
  };

  const wholeStep = compile(
    (parameters: Tensor[], state: OptimizerState, batch: BatchTensors, learningRate: Scalar, step: Scalar) => {
      const { loss, gradients } = differentiate(parameters, batch);
      return { ...update(parameters, state, gradients, learningRate, step), loss };
    },
    { name: 'trainingStep', donate: [0, 1] },
  );
  const accumulate = compile(
    (parameters: Tensor[], sum: Gradients, batch: BatchTensors, weight: Scalar): Gradients => {
      const { loss, gradients } = differentiate(parameters, batch, weight);
      return {
        loss: tf.add(sum.loss, tf.mul(loss, weight)),
        gradients: gradients.map((gradient, i) => tf.add(sum.gradients[i], gradient)),
      };
    },
    { name: 'accumulateGradients', donate: [1] },
  );
  const applyUpdate = compile(update, { name: 'updateParameters', donate: [0, 1, 2] });
  const evaluation = compile((parameters: Tensor[], batch: BatchTensors) => forward(parameters, batch), {
    name: 'evaluate',
  });

  let parameters: Tensor[] = options.parameters?.slice() ?? leaves.map(([, weight]) => copyOf(weight));
  let state = options.state ?? optimizer.init(parameters, paths);

  const runWhole = async (batch: TokenBatch, learningRate: number, step: number): Promise<StepResult> => {
    const tensors = batchTensors(batch, contextLength, foldIn(key, step));
    try {
      const next = await wholeStep.runAsync(parameters, state, tensors, learningRate, step);
      ({ parameters, state } = next);
      return { loss: await take(next.loss), gradientNorm: await take(next.norm) };
    } finally {
      tf.dispose(Object.values(tensors));
    }
  };

  const runInParts = async (batch: TokenBatch, learningRate: number, step: number): Promise<StepResult> => {
    const labels = countLabels(batch.labels);
    let sum: Gradients = { loss: tf.scalar(0), gradients: parameters.map((p) => tf.zeros(p.shape)) };
    try {
      for (let row = 0; row < batchSize; row += microBatchSize) {
        const part = rowsOf(batch, row, microBatchSize, contextLength);
        const tensors = batchTensors(part, contextLength, foldIn(foldIn(key, step), row));
        try {
          sum = await accumulate.runAsync(parameters, sum, tensors, countLabels(part.labels) / labels);
        } finally {
          tf.dispose(Object.values(tensors));
        }
      }
      const next = await applyUpdate.runAsync(parameters, state, sum.gradients, learningRate, step);
      ({ parameters, state } = next);
      return { loss: await take(sum.loss), gradientNorm: await take(next.norm) };
    } finally {
      tf.dispose([sum.loss, ...sum.gradients].filter((tensor) => !tensor.isDisposed));
    }
  };

  const releasePrograms = (): void => {
    for (const program of [wholeStep, accumulate, applyUpdate, evaluation]) program.dispose();
    for (const tensors of Object.values(state)) tf.dispose(tensors.filter((tensor) => !tensor.isDisposed));
  };

  return {
    paths,
    parameters: () => parameters,
    params: () => treeOf(model.params, paths, parameters),
    state: () => state,
    async run(batch, learningRate, step) {
      checkBatch(batch, batchSize, contextLength, vocabSize, objective);
      return microBatchSize === batchSize ? runWhole(batch, learningRate, step) : runInParts(batch, learningRate, step);
    },
    async evaluate(batch) {
      const labels = countLabels(batch.labels);
      const tensors = batchTensors(batch, contextLength);
      try {
        return { loss: await take(await evaluation.runAsync(parameters, tensors)), labels };
      } finally {
        tf.dispose(Object.values(tensors));
      }
    },
    averageParams() {
      const average = (state as Partial<OptimizerState>)[AVERAGE_SLOT];
      return average && treeOf(model.params, paths, average.map(copyOf));
    },
    finish() {
      releasePrograms();
      return treeOf(model.params, paths, parameters);
    },
    dispose() {
      releasePrograms();
      tf.dispose(parameters.filter((tensor) => !tensor.isDisposed));
    },
  };
}

/** Mean cross-entropy of [B,T,V] logits with [B,T] labels. */
const nextTokenLoss = (logits: Tensor, labels: Tensor): Scalar =>
  crossEntropy(tf.reshape(logits, [-1, logits.shape[2]!]), tf.reshape(labels, [-1]), {
    ignoreIndex: IGNORED_LABEL,
  }) as Scalar;

/** Ids and labels [B,T], whatever else an objective's rows hold, and the key of dropout in its tensor form; all int32. */
interface BatchTensors {
  readonly [name: string]: Tensor;
}

function batchTensors(batch: TokenBatch, contextLength: number, key?: Key): BatchTensors {
  const rows = batch.inputIds.length / contextLength;
  const lists = Object.entries(batch as ObjectiveBatch).map(
    ([name, list]) => [name, tf.tensor2d(list, [rows, list.length / rows], 'int32')] as const,
  );
  return { ...Object.fromEntries(lists), ...(key === undefined ? {} : { key: keyTensor(key) }) };
}

/** Reads a scalar and frees it. */
async function take(scalar: Tensor): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value;
}

/** The same values in memory of their own: a clone would share it, and donating the clone would change the original. */
const copyOf = (tensor: Tensor): Tensor => tf.tensor(tensor.dataSync().slice(), tensor.shape, tensor.dtype);

const countLabels = (labels: Int32Array): number => {
  let count = 0;
  for (const label of labels) if (label !== IGNORED_LABEL) count++;
  return count;
};

function rowsOf(batch: TokenBatch, row: number, rows: number, contextLength: number): TokenBatch {
  const all = batch.inputIds.length / contextLength;
  const part = (list: Int32Array): Int32Array =>
    list.subarray((row * list.length) / all, ((row + rows) * list.length) / all);
  return Object.fromEntries(
    Object.entries(batch as ObjectiveBatch).map(([name, list]) => [name, part(list)]),
  ) as ObjectiveBatch;
}

/** The tree of the model with other tensors as leaves. */
function treeOf(params: Params, paths: readonly string[], tensors: readonly Tensor[]): Params {
  const byPath = new Map(paths.map((path, i) => [path, tensors[i]]));
  return mapParams(params, (weight, path) => byPath.get(path) ?? weight);
}

const specsOf = <C>({ architecture, config }: Model<C>): ReturnType<typeof architecture.parameters> =>
  architecture.parameters(config);

function trainableLeaves<C>(model: Model<C>): [string, Tensor][] {
  return flattenParams(model.params).map(([path, weight]) => {
    if (!isWeightForm(weight) && weight.dtype === 'float32') return [path, weight];
    throw tesseraeError({
      package: 'trainer',
      code: 'E_WEIGHT_FORM',
      message: `${path} is not a plain float32 tensor, and only those can be trained`,
      fix: 'turn it into a dense weight first',
      details: { path },
    });
  });
}

function checkDivision(batchSize: number, microBatchSize: number): void {
  if (Number.isSafeInteger(microBatchSize) && microBatchSize >= 1 && batchSize % microBatchSize === 0) return;
  throw tesseraeError({
    package: 'trainer',
    code: 'E_OPTION',
    message: `micro-batches of ${microBatchSize} rows do not divide a step of ${batchSize} rows`,
    fix: `use a divisor of ${batchSize}`,
  });
}

function checkBatch(
  batch: TokenBatch,
  rows: number,
  contextLength: number,
  vocabSize: number,
  objective: Objective | undefined,
): void {
  const { inputIds, labels } = batch;
  const wanted = rows * contextLength;
  const outside = (id: number): boolean => id < 0 || id >= vocabSize;
  const refuse = (message: string, fix: string): never => {
    throw tesseraeError({ package: 'trainer', code: 'E_BATCH', message, fix });
  };
  const uneven = Object.values(batch as ObjectiveBatch).some((list) => list.length % rows !== 0);
  if (inputIds.length !== wanted || (objective === undefined ? labels.length !== wanted : uneven)) {
    const found = `${inputIds.length} ids and ${labels.length} labels`;
    refuse(
      `a step of ${rows} rows of ${contextLength} tokens needs ${wanted} of each, found ${found}`,
      'give batchSize · accumulationSteps rows of contextLength',
    );
  }
  const stray = inputIds.find(outside) ?? labels.find((label) => label !== IGNORED_LABEL && outside(label));
  if (stray !== undefined) {
    refuse(
      `the batch has the id ${stray}; the vocabulary ends at ${vocabSize - 1}`,
      'encode with the tokenizer of the model',
    );
  }
  if (countLabels(labels) === 0) {
    refuse(
      'every label of the batch is ignored, so there is no loss',
      `give at least one label other than ${IGNORED_LABEL}`,
    );
  }
}
