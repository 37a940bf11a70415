import type { ArchitectureConfig, Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { GradientMethod } from '../gradient-methods/index';
import type { TrainingStepOptions } from './step';

/** @throws E_OPTION when options of a step do not go together, or not with the model */
export function checkStep<C>(model: Model<C>, options: TrainingStepOptions): void {
  checkDivision(options.batchSize, options.microBatchSize ?? options.batchSize, options.gradients);
  checkMeans(model, options);
}

function checkDivision(batchSize: number, microBatchSize: number, method: GradientMethod | undefined): void {
  if (!(Number.isSafeInteger(microBatchSize) && microBatchSize >= 1 && batchSize % microBatchSize === 0)) {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_OPTION',
      message: `micro-batches of ${microBatchSize} rows do not divide a step of ${batchSize} rows`,
      fix: `use a divisor of ${batchSize}`,
    });
  }
  if (method === undefined || microBatchSize === batchSize) return;
  throw tesseraeError({
    package: 'trainer',
    code: 'E_OPTION',
    message: `${method.name} needs the whole step of ${batchSize} rows in one piece, and micro-batches have ${microBatchSize}`,
    fix: 'leave microBatchSize and accumulationSteps out',
  });
}

/** @throws E_OPTION when the model or the other options do not go with a scaled loss, recomputation or chunks */
function checkMeans<C>(model: Model<C>, options: TrainingStepOptions): void {
  const { precision, recompute, chunkedLoss = false, gradients, objective } = options;
  const { name, recomputes } = model.architecture;
  const refuse = (message: string, fix: string): never => {
    throw tesseraeError({ package: 'trainer', code: 'E_OPTION', message, fix });
  };
  if (precision?.lossScaling && gradients)
    refuse(`${precision.name} scales the loss, and ${gradients.name} makes gradients itself`, "use 'bfloat16'");
  if (recompute !== undefined && recomputes !== true)
    refuse(`${name} does not run parts again (recompute)`, 'leave it out, or use smaller micro-batches');
  if (chunkedLoss === false) return;
  if (objective && !('labelsTokens' in objective && objective.labelsTokens))
    refuse(`chunkedLoss is for a loss over a vocabulary, which ${objective.name} has not`, 'leave it out');
  const { head } = model.config as ArchitectureConfig;
  if (recomputes !== true || (head !== undefined && !languageHeads.has(head)))
    refuse(`${name} gives no output layer apart from the rest (chunkedLoss)`, 'leave chunkedLoss out');
}

const languageHeads: ReadonlySet<string> = new Set(['causal-lm', 'masked-lm', 'sequence-to-sequence']);
