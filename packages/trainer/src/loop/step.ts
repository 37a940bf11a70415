/**
 * One training step as compiled programs.
 *
 * With one micro-batch the whole step is one program: forward, loss, gradients, clipping, optimizer. With several, a
 * program that adds the gradients of one micro-batch to a running sum is called for each, and a second one clips and
 * updates: activations then only ever exist for one micro-batch. Parameters that learn, optimizer state and the running
 * sum are donated, so that they are updated in place; parameters that do not learn only go in.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { compile, foldIn, registerGradients } from '@tesserae/core';
import type { ArchitectureConfig, Key, Model, Params, Recompute } from '@tesserae/core';
import type { GradientMethod } from '../gradient-methods/index';
import type { Objective, ObjectiveBatch } from '../objectives/index';
import { AVERAGE_SLOT } from '../optimizers/averaged';
import type { Optimizer, OptimizerState } from '../optimizers/index';
import { openLossScaler, SCALE_SLOT } from '../precision/loss-scaler';
import type { PrecisionPolicy } from '../precision/index';
import type { Regularizer } from '../regularizers/index';
import { batchTensors, checkBatch, countLabels, rowsOf } from './batches';
import type { BatchTensors } from './batches';
import { differentiator, METHOD_SLOT, PENALTY } from './differentiate';
import type { Constants, StepGradients } from './differentiate';
import { checkStep } from './check-step';
import { modelLeaves, treeWith } from './leaves';
import type { Leaf, Trainable } from './leaves';
import type { StatisticsRecord } from './history';
import { batchLosses, totalOf } from './losses';
import type { LossSettings } from './losses';
import { parameterUpdate } from './parameter-update';
import { statisticsRecord } from './statistics';
import { copyOf, moved, take } from './tensor-copies';

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
  /** Which parameters learn, by their paths; as the model says when absent. */
  readonly trainable?: Trainable | undefined;
  /** How gradients are made of losses; those of their sum when absent. */
  readonly gradients?: GradientMethod | undefined;
  /** Penalties on the parameters, added to the loss. */
  readonly regularizers?: readonly Regularizer[] | undefined;
  /** In what numbers products are made, and how the loss is scaled; float32 when absent. */
  readonly precision?: PrecisionPolicy | undefined;
  /** Layers, or parts of each, that run again when gradients are made instead of being kept. */
  readonly recompute?: Recompute | undefined;
  /** Whether the next token's loss is taken in chunks, or rows of a chunk; where the logits would be large when absent. */
  readonly chunkedLoss?: boolean | number | undefined;
  /** Where the randomness of dropout comes from. */
  readonly key: Key;
  /** Parameters that learn to start from, in the order of the model's tree, which the step takes over; copies of the model's when absent. */
  readonly parameters?: readonly Tensor[] | undefined;
  /** Optimizer state to start from, which the step takes over; fresh state when absent. */
  readonly state?: OptimizerState | undefined;
}

/** What a step reports. */
export interface StepResult {
  /** What is wrong about the answers: the sum of the objective's losses, without penalties on the parameters. */
  readonly loss: number;
  /** Those losses and the penalty by name, where there is more than one. */
  readonly parts?: Readonly<Record<string, number>> | undefined;
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  /** Gradients and weights, tensor by tensor, where they were asked for. */
  readonly statistics?: StatisticsRecord | undefined;
  /** What the loss was multiplied with for its gradients, where the precision scales it. */
  readonly lossScale?: number | undefined;
  /** Set where the gradients of a scaled loss were not finite, so that nothing was changed. */
  readonly skipped?: true | undefined;
}

/** More that a step may be asked for. */
export interface StepRequest {
  /** Measure gradients and weights, too, by a second form of the program: false. */
  readonly statistics?: boolean;
}

/** A step that holds parameters and optimizer state, and replaces them at every run. */
export interface TrainingStep {
  /**
   * Makes one update.
   *
   * @param batch the rows of the whole step
   * @param learningRate the rate of this update
   * @param step the number of this update, counted from 1
   * @param request whether gradients and weights are to be measured
   */
  run(batch: ObjectiveBatch, learningRate: number, step: number, request?: StepRequest): Promise<StepResult>;
  /** Mean loss over a batch with the present parameters, and how many labels counted; changes nothing. */
  evaluate(batch: ObjectiveBatch): Promise<{ readonly loss: number; readonly labels: number }>;
  /** The present parameters that learn, in the order of `paths`; they belong to the step. */
  parameters(): readonly Tensor[];
  /** The present parameters as a tree; they belong to the step. */
  params(): Params;
  /** Paths of the parameters that learn in the model's tree. */
  readonly paths: readonly string[];
  /** What a checkpoint holds: all parameters by their names there; of a model with weight forms those that learn. */
  saved(): ReadonlyMap<string, Tensor>;
  /** The present state of optimizer and gradient method; it belongs to the step. */
  state(): OptimizerState;
  /** Goes on from other parameters that learn, in the order of `paths`, and another state, which the step takes over. */
  replace(parameters: readonly Tensor[], state: OptimizerState): void;
  /** A copy of the averaged parameters as a tree, where the optimizer keeps an average. */
  averageParams(): Params | undefined;
  /** Frees everything but the parameters, and hands those over as a tree. */
  finish(): Params;
  /** Frees everything. */
  dispose(): void;
}

/**
 * Makes the compiled step that trains a model.
 *
 * The step copies the model's parameters: the model stays as it is. `step.finish()` gives the trained ones.
 *
 * @param model the model to start from
 * @param options optimizer, sizes, clipping, key and state
 * @returns the step; dispose it, or finish it
 * @throws E_WEIGHT_FORM when the model has a weight that cannot learn and nothing says what learns, E_OPTION when nothing
 *   learns, or micro-batches do not divide the batch or meet a gradient method, which needs it in one piece
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
  checkStep(model, options);
  registerGradients();
  const leaves = modelLeaves(model, options.trainable);
  const learning = leaves.filter(({ learns }) => learns);
  const paths = learning.map(({ path }) => path);
  const decay = learning.map((leaf) => leaf.decay);
  const draws = objective !== undefined && 'losses' in objective ? (objective.draws ?? 1) : 1;
  const fixed = leaves.filter(({ learns }) => !learns).map((leaf) => ({ ...leaf, tensor: tf.clone(leaf.tensor) }));
  const treeOf = (tensors: readonly Tensor[], others: readonly Tensor[]): Params =>
    treeWith(model.params, new Map([...pairs(learning, tensors), ...pairs(fixed, others)]));
  const { precision, recompute, chunkedLoss } = options;
  const lossSettings: LossSettings = { products: precision?.products, recompute, chunkedLoss };
  const { parts, differentiate, initialState } = differentiator(model, { ...options, paths, treeOf, lossSettings });
  const constants: Constants = {
    fixed: fixed.map(({ tensor }) => tensor),
    regularizers: options.regularizers?.map(({ tensors }) => tensors) ?? [],
  };

  const update = parameterUpdate({ optimizer, gradientClipNorm, gradientClipValue, decay, names: paths });

  /** The step as one program; the form that measures is another one, which is made when it is first needed. */
  const wholeStepThat = (measured: boolean) =>
    compile(
      (
        parameters: Tensor[],
        state: OptimizerState,
        inputs: Constants,
        batch: BatchTensors,
        learningRate: Scalar,
        step: Scalar,
      ) => {
        const method = (state as Partial<OptimizerState>)[METHOD_SLOT];
        const made = differentiate({ parameters, inputs, batch, state: method, learningRate });
        const next = update({ parameters, state, gradients: made.gradients, learningRate, step, measured });
        return {
          ...next,
          state: { ...next.state, ...(method && { [METHOD_SLOT]: made.state }) },
          losses: made.losses,
        };
      },
      { name: measured ? 'measuredTrainingStep' : 'trainingStep', donate: [0, 1] },
    );
  const [wholeStep, measuredStep] = [wholeStepThat(false), wholeStepThat(true)];
  const accumulate = compile(
    (parameters: Tensor[], sum: Sum, inputs: Constants, batch: BatchTensors, weight: Scalar, scale?: Scalar): Sum => {
      const { losses, gradients } = differentiate({ parameters, inputs, batch, weight, lossScale: scale });
      return {
        losses: losses.map((loss, i) => tf.add(sum.losses[i], tf.mul(loss, weight))),
        gradients: gradients.map((gradient, i) => tf.add(sum.gradients[i], gradient)),
      };
    },
    { name: 'accumulateGradients', donate: [1] },
  );
  const updateThat = (measured: boolean) =>
    compile(
      (
        parameters: Tensor[],
        state: OptimizerState,
        gradients: Tensor[],
        learningRate: Scalar,
        step: Scalar,
        unscale?: Scalar,
      ) => update({ parameters, state, gradients, learningRate, step, unscale, measured }),
      { name: measured ? 'measuredUpdate' : 'updateParameters', donate: [0, 1, 2] },
    );
  const [applyUpdate, measuredUpdate] = [updateThat(false), updateThat(true)];
  const evaluation = compile(
    (parameters: Tensor[], inputs: Constants, batch: BatchTensors) =>
      totalOf(batchLosses(model, treeOf(parameters, inputs.fixed), objective, batch, lossSettings)),
    { name: 'evaluate' },
  );

  let parameters: Tensor[] = options.parameters?.map(moved) ?? learning.map(({ tensor }) => copyOf(tensor));
  const scaler = precision?.lossScaling && openLossScaler(precision.lossScaling);
  /** The state without the scale of the loss, which goes to its scaler. */
  const takeOver = ({ [SCALE_SLOT]: scale, ...others }: Partial<OptimizerState>): OptimizerState => {
    scaler?.goOnFrom(scale?.[0]);
    tf.dispose([...(scale ?? [])]);
    return Object.fromEntries(Object.entries(others as OptimizerState).map(([slot, all]) => [slot, all.map(moved)]));
  };
  let state = takeOver(options.state ?? { ...optimizer.init(parameters, paths), ...initialState(parameters) });

  const resultOf = async (
    step: number,
    losses: readonly Tensor[],
    { norm, statistics }: { readonly norm: Tensor; readonly statistics: readonly Tensor[] },
  ): Promise<StepResult> => {
    const values: number[] = [];
    for (const loss of losses) values.push(await take(loss));
    const named = Object.fromEntries(parts.map((name, i) => [name, values[i]]));
    return {
      loss: parts.reduce((sum, name) => (name === PENALTY ? sum : sum + named[name]), 0),
      gradientNorm: await take(norm),
      ...(parts.length > 1 && { parts: named }),
      ...(statistics.length > 0 && { statistics: await readStatistics(step, statistics[0]) }),
    };
  };

  const readStatistics = async (step: number, measured: Tensor): Promise<StatisticsRecord> => {
    const values = await measured.data();
    measured.dispose();
    return statisticsRecord(
      step,
      values,
      paths,
      parameters.map(({ size }) => size),
    );
  };

  const runWhole = async (
    batch: ObjectiveBatch,
    learningRate: number,
    step: number,
    measured: boolean,
  ): Promise<StepResult> => {
    const tensors = batchTensors(batch, batchSize, foldIn(key, step), draws);
    try {
      const program = measured ? measuredStep : wholeStep;
      const next = await program.runAsync(parameters, state, constants, tensors, learningRate, step);
      ({ parameters, state } = next);
      return await resultOf(step, next.losses, next);
    } finally {
      tf.dispose(Object.values(tensors));
    }
  };

  const runInParts = async (
    batch: ObjectiveBatch,
    learningRate: number,
    step: number,
    measured: boolean,
  ): Promise<StepResult> => {
    const labels = countLabels(batch, batchSize);
    const used = scaler?.scale;
    const made = step - (scaler?.skipped ?? 0); // what was skipped is no step of the optimizer
    let sum: Sum = { losses: parts.map(() => tf.scalar(0)), gradients: parameters.map((p) => tf.zeros(p.shape)) };
    try {
      for (let row = 0; row < batchSize; row += microBatchSize) {
        const part = rowsOf(batch, row, microBatchSize, batchSize);
        const tensors = batchTensors(part, microBatchSize, foldIn(foldIn(key, step), row), draws);
        try {
          const weight = countLabels(part, microBatchSize) / labels;
          sum = await accumulate.runAsync(parameters, sum, constants, tensors, weight, used);
        } finally {
          tf.dispose(Object.values(tensors));
        }
      }
      if (scaler && !(await scaler.judge(sum.gradients))) {
        const nothing = { norm: tf.scalar(Infinity), statistics: [] };
        return { ...(await resultOf(step, sum.losses, nothing)), lossScale: used, skipped: true };
      }
      const unscale = used === undefined ? undefined : 1 / used;
      const program = measured ? measuredUpdate : applyUpdate;
      const next = await program.runAsync(parameters, state, sum.gradients, learningRate, made, unscale);
      ({ parameters, state } = next);
      const result = await resultOf(step, sum.losses, next);
      return used === undefined ? result : { ...result, lossScale: used };
    } finally {
      tf.dispose([...sum.losses, ...sum.gradients].filter((tensor) => !tensor.isDisposed));
    }
  };

  const releasePrograms = (): void => {
    for (const program of [wholeStep, measuredStep, accumulate, applyUpdate, measuredUpdate, evaluation])
      program.dispose();
    scaler?.dispose();
    for (const tensors of Object.values(state)) tf.dispose(tensors.filter((tensor) => !tensor.isDisposed));
  };

  return {
    paths,
    parameters: () => parameters,
    params: () => treeOf(parameters, constants.fixed),
    state: () => ({ ...state, ...scaler?.state() }),
    saved() {
      const now = new Map([...pairs(learning, parameters), ...pairs(fixed, constants.fixed)]);
      const kept = leaves.some(({ insideForm }) => insideForm) ? learning : leaves;
      return new Map(kept.map(({ path, checkpointName }) => [checkpointName, now.get(path)!]));
    },
    replace(others, otherState) {
      const old = [...parameters, ...Object.values(state).flat()];
      tf.dispose(old.filter((tensor) => !tensor.isDisposed));
      [parameters, state] = [others.map(moved), takeOver(otherState)];
    },
    async run(batch, learningRate, step, { statistics = false } = {}) {
      const nextToken = objective === undefined;
      checkBatch(batch, { rows: batchSize, contextLength, vocabSize: model.config.vocabSize, nextToken });
      const whole = microBatchSize === batchSize && scaler === undefined; // a scaled step looks at its gradients first
      return (whole ? runWhole : runInParts)(batch, learningRate, step, statistics);
    },
    async evaluate(batch) {
      const rows = batch.inputIds.length / contextLength;
      const tensors = batchTensors(batch, rows);
      try {
        const loss = await take(await evaluation.runAsync(parameters, constants, tensors));
        return { loss, labels: countLabels(batch, rows) };
      } finally {
        tf.dispose(Object.values(tensors));
      }
    },
    averageParams() {
      const average = (state as Partial<OptimizerState>)[AVERAGE_SLOT];
      return (
        average &&
        treeOf(
          average.map(copyOf),
          constants.fixed.map((tensor) => tf.clone(tensor)),
        )
      );
    },
    finish() {
      releasePrograms();
      return treeOf(parameters, constants.fixed);
    },
    dispose() {
      releasePrograms();
      tf.dispose([...parameters, ...constants.fixed].filter((tensor) => !tensor.isDisposed));
    },
  };
}

/** Losses and gradients of the micro-batches so far, each times its weight. */
type Sum = Pick<StepGradients, 'losses' | 'gradients'>;

const pairs = (leaves: readonly Leaf[], tensors: readonly Tensor[]): [string, Tensor][] =>
  leaves.map(({ path }, i) => [path, tensors[i]]);
