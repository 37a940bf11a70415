import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { defineOp } from './defineOp';
import { requireShape, requireTensor } from './shapes';
import { logSoftmaxOp } from './softmax';

/** The tensors of the op. */
export type CrossEntropyInputs = { logits: tf.Tensor; labels: tf.Tensor };
/** The settings of the op. */
export type CrossEntropyAttributes = {
  ignoreIndex: number;
  labelSmoothing: number;
  reduction: 'mean' | 'sum' | 'none';
};

/** [loss, log-probabilities [N, V], each row's weight [N], the label's place in the flat logits [N]]. */
function measure(
  { logits, labels }: CrossEntropyInputs,
  attributes: CrossEntropyAttributes,
): [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor] {
  const { ignoreIndex, labelSmoothing, reduction } = attributes;
  const [rows, classes] = logits.shape;
  const logProbabilities = logSoftmaxOp({ logits }, { axis: 1 }); // [N, V]
  const counted = tf.notEqual(labels, tf.scalar(ignoreIndex, 'int32'));
  const valid = tf.cast(counted, 'float32'); // [N]
  const label = tf.mul(labels, tf.cast(counted, 'int32'));
  const place = tf.add(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(classes, 'int32')), label); // [N]
  const picked = tf.gather(tf.reshape(logProbabilities, [rows * classes]), place as tf.Tensor1D); // [N]
  const target =
    labelSmoothing === 0
      ? picked
      : tf.add(tf.mul(picked, 1 - labelSmoothing), tf.mul(tf.mean(logProbabilities, 1), labelSmoothing));
  const weight = reduction === 'mean' ? tf.div(valid, tf.maximum(tf.sum(valid), 1)) : valid; // [N]
  const losses = tf.neg(tf.mul(target, weight)); // [N]
  return [reduction === 'none' ? losses : tf.sum(losses), logProbabilities, weight, place];
}

/** Cross-entropy of rows of logits. See {@link crossEntropy}. */
export const crossEntropyOp = /* @__PURE__ */ defineOp<CrossEntropyInputs, CrossEntropyAttributes>({
  name: 'CrossEntropy',
  composite: (inputs, attributes) => measure(inputs, attributes)[0],
  gradient: {
    forward: measure,
    // d/dlogits = weight · (softmax - target); the label's own entry is written over instead of subtracting a one-hot matrix.
    backward({ gradient, extras: [logProbabilities, weight, place], attributes: { labelSmoothing } }) {
      const [rows, classes] = logProbabilities.shape;
      const scale = tf.mul(weight, gradient); // [N]
      const share = labelSmoothing / classes;
      const excess = (logarithm: tf.Tensor): tf.Tensor =>
        share === 0 ? tf.exp(logarithm) : tf.sub(tf.exp(logarithm), share);
      const picked = tf.gather(tf.reshape(logProbabilities, [rows * classes]), place as tf.Tensor1D); // [N]
      const everywhere = tf.mul(excess(logProbabilities), tf.reshape(scale, [rows, 1])); // [N, V]
      const atLabel = tf.mul(tf.sub(excess(picked), 1 - labelSmoothing), scale); // [N]
      const flat = tf.tensorScatterUpdate(
        tf.reshape(everywhere, [rows * classes]),
        tf.reshape(place, [rows, 1]),
        atLabel,
      );
      return { logits: tf.reshape(flat, [rows, classes]) };
    },
  },
});

/** What `crossEntropy` can be told. */
export interface CrossEntropyOptions {
  /** Rows with this label count for nothing; −100 when absent. */
  readonly ignoreIndex?: number | undefined;
  /** `mean` over the rows that count (default), `sum`, or `none` for a loss per row. */
  readonly reduction?: 'mean' | 'sum' | 'none' | undefined;
  /** Share of the target spread evenly over all classes, from 0 to below 1; 0 when absent. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Cross-entropy in nats: −log softmax(logits)[label], over the rows whose label counts.
 *
 * As `torch.nn.functional.cross_entropy`, except that a mean over no rows is 0, not NaN. The gradient is
 * weight · (softmax − target), hand-written, without a one-hot matrix.
 *
 * @param logits [N, V]
 * @param labels int32 [N], from 0 to V − 1 or `ignoreIndex`
 * @param options `ignoreIndex`, `reduction`, `labelSmoothing` (Szegedy et al. 2016, section 7)
 * @returns a scalar, or [N] with reduction `none`
 * @throws E_SHAPE when rows differ; E_OPTION on a bad option; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { crossEntropy } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const loss = crossEntropy(tf.zeros([3, 4]), tf.tensor1d([0, 3, -100], 'int32'));
 * console.log(loss.dataSync()[0].toFixed(4)); // → 1.3863
 * ```
 */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor, options: CrossEntropyOptions = {}): tf.Tensor {
  const { ignoreIndex = -100, reduction = 'mean', labelSmoothing = 0 } = options;
  requireTensor('crossEntropy', 'logits', logits);
  requireTensor('crossEntropy', 'labels', labels, ['int32']);
  requireShape('crossEntropy', 'logits', logits, [null, null], 'rows, classes');
  requireShape('crossEntropy', 'labels', labels, [logits.shape[0]], 'rows');
  if (!['mean', 'sum', 'none'].includes(reduction))
    throw optionError(`reduction '${reduction}' is unknown`, "use 'mean', 'sum' or 'none'");
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw optionError(`labelSmoothing is ${labelSmoothing}`, 'use a number from 0 to below 1');
  if (!Number.isInteger(ignoreIndex))
    throw optionError(`ignoreIndex is ${ignoreIndex}`, 'use a whole number such as -100');
  return crossEntropyOp({ logits, labels }, { ignoreIndex, labelSmoothing, reduction });
}

function optionError(message: string, fix: string): Error {
  return tesseraeError({ package: 'core', code: 'E_OPTION', message: `crossEntropy: ${message}`, fix });
}
