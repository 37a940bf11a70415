import * as tf from '@tensorflow/tfjs-core';
import type { ProblemType } from '../model/types';
import { binaryCrossEntropy } from '../nn/binaryCrossEntropy';
import { crossEntropy } from '../nn/crossEntropy';
import { meanSquaredError } from '../nn/meanSquaredError';
import { requireShape, requireTensor, sizes } from '../nn/shapes';

/**
 * The loss of a sequence classifier, by what its logits mean: cross-entropy over classes (`single-label`), binary
 * cross-entropy of each class alone (`multi-label`), mean squared error (`regression`). As transformers computes it.
 *
 * @param logits [B, numLabels]
 * @param labels int32 [B] for `single-label` (−100 is ignored); float32 or int32 [B, numLabels] for `multi-label`; float32
 *   or int32 [B, numLabels] for `regression`, or [B] where there is one label
 * @param problemType when null it follows from the labels: one logit is regression, whole numbers [B] are classes, all else
 *   is multi-label
 * @returns a scalar
 * @throws E_SHAPE when labels and logits do not fit; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { classificationLoss } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const logits = tf.zeros([2, 4]);
 * console.log(classificationLoss(logits, tf.tensor1d([1, 3], 'int32')).dataSync()[0].toFixed(4)); // → 1.3863
 * ```
 */
export function classificationLoss(
  logits: tf.Tensor,
  labels: tf.Tensor,
  problemType: ProblemType | null = null,
): tf.Scalar {
  requireTensor('classificationLoss', 'logits', logits);
  requireTensor('classificationLoss', 'labels', labels, ['int32', 'float32']);
  requireShape('classificationLoss', 'logits', logits, [null, null], 'batch, numLabels');
  const [batch, numLabels] = sizes(logits);
  const type =
    problemType ?? (numLabels === 1 ? 'regression' : labels.dtype === 'int32' ? 'single-label' : 'multi-label');
  return tf.tidy(() => {
    if (type === 'single-label') {
      requireTensor('classificationLoss', 'labels', labels, ['int32']);
      return crossEntropy(logits, tf.reshape(labels, [labels.size])) as tf.Scalar;
    }
    const single = numLabels === 1 && labels.shape.length === 1;
    requireShape(
      'classificationLoss',
      'labels',
      labels,
      single ? [batch] : [batch, numLabels],
      single ? 'batch' : 'batch, numLabels',
    );
    const targets = tf.reshape(tf.cast(labels, 'float32'), [batch, numLabels]);
    return (type === 'regression' ? meanSquaredError : binaryCrossEntropy)(logits, targets) as tf.Scalar;
  });
}
