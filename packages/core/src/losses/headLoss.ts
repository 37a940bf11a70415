import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { ArchitectureConfig, ForwardOutput } from '../model/types';
import { classificationLoss } from './classificationLoss';
import { causalLoss, labelLoss } from './labelLoss';
import { spanLoss } from './spanLoss';

/** What a model should have said: `labels` for every head but question answering, which has positions. */
export interface HeadTargets {
  /** By the head: int32 [B, T], or what `classificationLoss` takes. */
  readonly labels?: tf.Tensor | undefined;
  /** int32 [B]: where answers start. */
  readonly startPositions?: tf.Tensor | undefined;
  /** int32 [B]: where they end. */
  readonly endPositions?: tf.Tensor | undefined;
}

/**
 * The loss of a model, by its head, with what the architecture itself adds; as transformers computes it from `labels`.
 *
 * @param config the model's config: its head, and for a sequence classifier `problemType`
 * @param output of the forward pass
 * @param targets labels, or start and end positions
 * @returns a scalar
 * @throws E_LABELS when the targets of the head are missing, or it has no loss; the codes of the single losses
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { bert, createModel, headLoss } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const { params, config } = createModel(bert, { ...size, head: 'sequence-classification' }, { seed: 1 });
 * const output = bert.forward(params, { inputIds: tf.tensor2d([[2, 5, 3]], [1, 3], 'int32') }, { config });
 * console.log(headLoss(config, output, { labels: tf.tensor1d([1], 'int32') }).dataSync()[0].toFixed(1)); // → 0.7
 * ```
 */
export function headLoss(config: ArchitectureConfig, output: ForwardOutput, targets: HeadTargets): tf.Scalar {
  const { logits, auxiliaryLoss } = output;
  return tf.tidy(() => {
    const loss = ofHead(config, logits, targets);
    return auxiliaryLoss ? tf.add(loss, auxiliaryLoss) : loss;
  });
}

function ofHead(
  { head = 'causal-lm', problemType }: ArchitectureConfig,
  logits: tf.Tensor,
  { labels, startPositions, endPositions }: HeadTargets,
): tf.Scalar {
  if (head === 'question-answering' && startPositions && endPositions)
    return spanLoss(logits, startPositions, endPositions);
  if (labels && head === 'causal-lm') return causalLoss(logits, labels);
  if (labels && head === 'sequence-classification') return classificationLoss(logits, labels, problemType ?? null);
  if (labels && head !== 'question-answering' && head !== 'none') return labelLoss(logits, labels);
  const given = Object.entries({ labels, startPositions, endPositions }).flatMap(([name, one]) => (one ? [name] : []));
  throw tesseraeError({
    package: 'core',
    code: 'E_LABELS',
    message: `the head '${head}' has no loss for ${given.join(' and ') || 'no targets'}`,
    fix:
      head === 'none'
        ? 'a body alone has no loss; compute one from its hidden states'
        : `give ${head === 'question-answering' ? 'startPositions and endPositions' : 'labels'}`,
  });
}
