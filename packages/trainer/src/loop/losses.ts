import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { chunkedCrossEntropy, withPrecision } from '@tesserae/core';
import type {
  ArchitectureConfig,
  ForwardInputs,
  ForwardOptions,
  ForwardOutput,
  Model,
  Params,
  Precision,
  Recompute,
} from '@tesserae/core';
import type { ModelRun, Objective } from '../objectives/index';
import type { RunOptions } from '../objectives/objective';
import { labelLoss } from '../objectives/token-loss';
import { KEYS } from './batches';
import type { BatchTensors } from './batches';

/** Losses by name. */
export type Losses = Readonly<Record<string, Scalar>>;

/** How losses are computed: what changes memory and rounding, and not what is learned. */
export interface LossSettings {
  /** The numbers of products; float32 when absent. */
  readonly products?: Precision | undefined;
  /** Layers, or parts of them, that run again when gradients are made. */
  readonly recompute?: Recompute | undefined;
  /** Whether the loss of tokens is taken in chunks, or rows of a chunk; where the logits would be large when absent. */
  readonly chunkedLoss?: boolean | number | undefined;
  /** [] What the loss will be multiplied with before it is differentiated. */
  readonly lossScale?: Tensor | undefined;
}

/** From so many logits on (128 MiB) the loss of tokens is taken in chunks, where nothing else is said. */
const manyLogits = 2 ** 25;

/** The names of an objective's losses. */
export const partsOf = (objective: Objective | undefined): readonly string[] =>
  objective !== undefined && 'losses' in objective ? objective.parts : ['loss'];

/**
 * The losses of a batch with the given parameters, as the objective has them or of the next token. What the architecture
 * adds (balance of experts) is added to the first.
 */
export function batchLosses<C extends ArchitectureConfig>(
  model: Model<C>,
  params: Params,
  objective: Objective | undefined,
  { [KEYS]: keys, ...tensors }: BatchTensors,
  settings: LossSettings = {},
): Losses {
  const auxiliary: Tensor[] = [];
  const training = keys !== undefined;
  const run = {
    model: model as unknown as Model<ArchitectureConfig>,
    params,
    training,
    forward(
      inputs: Readonly<Record<string, Tensor>>,
      { draw = 0, capture }: RunOptions = {},
      logits?: ForwardOptions['logits'],
    ) {
      const key = keys && tf.reshape(tf.slice(keys, [draw, 0], [1, 4]), [4]);
      const output = model.architecture.forward(params, inputs as unknown as ForwardInputs, {
        config: model.config,
        training,
        key,
        capture,
        recompute: settings.recompute,
        logits,
      });
      if (output.auxiliaryLoss) auxiliary.push(output.auxiliaryLoss);
      return output;
    },
  };
  const losses = withPrecision(settings.products ?? 'float32', () => lossesOf(run, objective, tensors, settings));
  if (auxiliary.length === 0) return losses;
  const [first] = Object.keys(losses);
  return { ...losses, [first]: tf.addN([losses[first], ...auxiliary]) as Scalar };
}

/** A run that can leave the output layer to the loss. */
interface OwnRun extends ModelRun {
  forward(
    inputs: Readonly<Record<string, Tensor>>,
    options?: RunOptions,
    logits?: ForwardOptions['logits'],
  ): ForwardOutput;
}

function lossesOf(
  run: OwnRun,
  objective: Objective | undefined,
  tensors: BatchTensors,
  { chunkedLoss, lossScale }: LossSettings,
): Losses {
  if (objective !== undefined && 'losses' in objective) return objective.losses(run, tensors);
  const { labels, ...inputs } = tensors;
  const { architecture, config } = run.model;
  const labelsTokens = objective === undefined || objective.labelsTokens === true;
  const chunked = chunkedLoss ?? (labelsTokens && labels.size * config.vocabSize >= manyLogits);
  if (chunked === false || architecture.recomputes !== true) {
    const output = run.forward(inputs);
    return { loss: objective?.loss(output, tensors) ?? labelLoss(output.logits, labels) };
  }
  const { logits: hidden, outputLayer } = run.forward(inputs, {}, 'none');
  const rows = tf.reshape(hidden, [labels.size, -1]); // [N, D]
  const ids = tf.reshape(labels, [-1]); // [N]
  const chunkRows = typeof chunked === 'number' ? chunked : undefined;
  return { loss: chunkedCrossEntropy(rows, ids, { ...outputLayer!, chunkRows, gradientScale: lossScale }) };
}

/** The sum of losses. */
export const totalOf = (losses: Losses): Scalar => Object.values(losses).reduce((sum, loss) => tf.add(sum, loss));
