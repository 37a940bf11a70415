import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { crossEntropy } from '@tesserae/core';
import type { ArchitectureConfig, ForwardInputs, Model, Params } from '@tesserae/core';
import type { ModelRun, Objective } from '../objectives/index';
import { IGNORED_LABEL, KEYS } from './batches';
import type { BatchTensors } from './batches';

/** Losses by name. */
export type Losses = Readonly<Record<string, Scalar>>;

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
): Losses {
  const auxiliary: Tensor[] = [];
  const training = keys !== undefined;
  const run: ModelRun = {
    model: model as unknown as Model<ArchitectureConfig>,
    params,
    training,
    forward(inputs, { draw = 0, capture } = {}) {
      const key = keys && tf.reshape(tf.slice(keys, [draw, 0], [1, 4]), [4]);
      const output = model.architecture.forward(params, inputs as unknown as ForwardInputs, {
        config: model.config,
        training,
        key,
        capture,
      });
      if (output.auxiliaryLoss) auxiliary.push(output.auxiliaryLoss);
      return output;
    },
  };
  const losses = lossesOf(run, objective, tensors);
  if (auxiliary.length === 0) return losses;
  const [first] = Object.keys(losses);
  return { ...losses, [first]: tf.addN([losses[first], ...auxiliary]) as Scalar };
}

function lossesOf(run: ModelRun, objective: Objective | undefined, tensors: BatchTensors): Losses {
  if (objective !== undefined && 'losses' in objective) return objective.losses(run, tensors);
  const { labels, ...inputs } = tensors;
  const output = run.forward(inputs);
  return { loss: objective?.loss(output, tensors) ?? nextTokenLoss(output.logits, labels) };
}

/** The sum of losses. */
export const totalOf = (losses: Losses): Scalar => Object.values(losses).reduce((sum, loss) => tf.add(sum, loss));

/** Mean cross-entropy of [B,T,V] logits with [B,T] labels. */
const nextTokenLoss = (logits: Tensor, labels: Tensor): Scalar =>
  crossEntropy(tf.reshape(logits, [-1, logits.shape[2]!]), tf.reshape(labels, [-1]), {
    ignoreIndex: IGNORED_LABEL,
  }) as Scalar;
