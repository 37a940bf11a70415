import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { crossEntropyOp } from '../nn/crossEntropy';
import { requireShape, requireTensor, sizes } from '../nn/shapes';
import { after } from './after';
import { isRecording, nestedGradients } from './nestedGradients';

/** What `chunkedCrossEntropy` is told. */
export interface ChunkedCrossEntropyOptions {
  /** The output layer: hidden states of some rows [n, D] → logits [n, V], in any way that is differentiable. */
  readonly logits: (hidden: tf.Tensor, parameters: readonly tf.Tensor[]) => tf.Tensor;
  /** What the output layer is differentiated by: its matrix, a bias. */
  readonly parameters: readonly tf.Tensor[];
  /** Rows that are computed at a time; about as many as make the logits of a chunk 2²² numbers when absent. */
  readonly chunkRows?: number | undefined;
  /** V, by which the rows of a chunk are chosen; 32,768 when absent. */
  readonly classes?: number | undefined;
  /** Rows with this label count for nothing; −100 when absent. */
  readonly ignoreIndex?: number | undefined;
  /** Share of the target spread evenly over all classes, from 0 to below 1; 0 when absent. */
  readonly labelSmoothing?: number | undefined;
  /**
   * What the gradient of the loss will be about, a float32 scalar: the scale of a loss in float16, so that small gradients
   * are not lost when they are rounded; 1 when absent.
   */
  readonly gradientScale?: tf.Tensor | undefined;
}

/** Numbers that the logits of one chunk have at most, where no number of rows is given: 16 MiB. */
const chunkSize = 2 ** 22;

/** Fewer rows make the products slow. */
const leastRows = 64;

/** What goes through all chunks. */
interface Sums {
  readonly loss: tf.Tensor;
  readonly byHidden: tf.Tensor[];
  readonly byParameters: tf.Tensor[];
}

/**
 * Mean cross-entropy of a large output layer whose logits never exist all at once: −log softmax(logits(h))[label], over the
 * rows whose label counts.
 *
 * The rows go through the output layer in chunks. Where a gradient will be asked for, that of a chunk is made at once, so
 * that its logits are needed no more: the products are as many as without chunks. Value and gradients are those of
 * `crossEntropy`, up to the order of sums. Hsu et al.: "Liger Kernel" (2024), section 3.2.
 *
 * @param hidden [N, D]
 * @param labels int32 [N], from 0 to V − 1 or `ignoreIndex`
 * @param options the output layer and its parameters, rows of a chunk, `ignoreIndex`, `labelSmoothing`
 * @returns a scalar
 * @throws E_SHAPE when rows differ; E_OPTION on a bad option; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { chunkedCrossEntropy, linear } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const loss = chunkedCrossEntropy(tf.ones([3, 2]), tf.tensor1d([0, 3, -100], 'int32'), {
 *   parameters: [tf.zeros([4, 2])],
 *   logits: (hidden, [weight]) => linear(hidden, weight),
 *   chunkRows: 2,
 * });
 * console.log(loss.dataSync()[0].toFixed(4)); // → 1.3863
 * ```
 */
export function chunkedCrossEntropy(
  hidden: tf.Tensor,
  labels: tf.Tensor,
  options: ChunkedCrossEntropyOptions,
): tf.Scalar {
  const { parameters, ignoreIndex = -100, gradientScale } = options;
  check(hidden, labels, options);
  return tf.tidy(() => {
    const counted = tf.sum(tf.cast(tf.notEqual(labels, tf.scalar(ignoreIndex, 'int32')), 'float32')); // []
    const weight = tf.div(1, tf.maximum(counted, 1)); // []
    if (!isRecording()) return tf.mul(sumChunks(hidden, labels, parameters, options).loss, weight) as tf.Scalar;
    const scale = gradientScale ?? tf.scalar(1);
    const differentiable = tf.customGrad((...args: unknown[]) => {
      const [h, ...ps] = args.slice(0, parameters.length + 1) as tf.Tensor[];
      const save = args[parameters.length + 1] as (tensors: tf.Tensor[]) => void;
      const sums = sumChunks(h, labels, ps, options, tf.mul(scale, weight));
      save([tf.concat(sums.byHidden), ...sums.byParameters]);
      return {
        value: tf.mul(sums.loss, weight),
        gradFunc: ((upstream: tf.Tensor, made: tf.Tensor[]) => {
          const factor = gradientScale ? tf.div(upstream, gradientScale) : upstream;
          return made.map((gradient) => tf.mul(gradient, factor));
        }) as (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
      };
    });
    return differentiable(hidden, ...parameters) as tf.Scalar;
  });
}

/** The sum of the losses, one chunk after the other; with an upstream gradient also the gradients. */
function sumChunks(
  hidden: tf.Tensor,
  labels: tf.Tensor,
  parameters: readonly tf.Tensor[],
  options: ChunkedCrossEntropyOptions,
  upstream?: tf.Tensor,
): Sums {
  const { ignoreIndex = -100, labelSmoothing = 0 } = options;
  const [rows, width] = sizes(hidden);
  const settings = { ignoreIndex, labelSmoothing, reduction: 'sum' } as const;
  let sums: Sums | undefined;
  for (let row = 0; row < rows; row += chunkRowsOf(rows, options)) {
    const size = Math.min(chunkRowsOf(rows, options), rows - row);
    const ids = tf.slice(labels, [row], [size]); // [n]
    const part = tf.slice(hidden, [row, 0], [size, width]); // [n, D]
    // One chunk begins when all of the one before is done: then its logits are gone.
    const h = sums ? after(part, [sums.loss, ...sums.byHidden.slice(-1), ...sums.byParameters]) : part;
    const run = (): tf.Tensor => crossEntropyOp({ logits: options.logits(h, parameters), labels: ids }, settings);
    const { value, gradients } = upstream
      ? nestedGradients(run, [h, ...parameters], upstream)
      : { value: tf.tidy(run), gradients: [] };
    const [byHidden, ...byParameters] = gradients.map(
      (gradient, i) => gradient ?? tf.zerosLike(i ? parameters[i - 1] : h),
    );
    const before = sums;
    sums = {
      loss: before ? tf.add(before.loss, value) : value,
      byHidden: [...(before?.byHidden ?? []), ...(upstream ? [byHidden] : [])],
      byParameters: before ? byParameters.map((gradient, i) => tf.add(gradient, before.byParameters[i])) : byParameters,
    };
  }
  return sums!;
}

function chunkRowsOf(rows: number, { chunkRows, classes = 2 ** 15 }: ChunkedCrossEntropyOptions): number {
  if (chunkRows !== undefined) return Math.min(chunkRows, rows);
  const most = Math.max(leastRows, Math.floor(chunkSize / classes));
  return Math.ceil(rows / Math.ceil(rows / most)); // even chunks
}

function check(hidden: tf.Tensor, labels: tf.Tensor, options: ChunkedCrossEntropyOptions): void {
  const { logits, parameters, chunkRows, labelSmoothing = 0, ignoreIndex = -100 } = options;
  requireTensor('chunkedCrossEntropy', 'hidden', hidden);
  requireTensor('chunkedCrossEntropy', 'labels', labels, ['int32']);
  requireShape('chunkedCrossEntropy', 'hidden', hidden, [null, null], 'rows, width');
  requireShape('chunkedCrossEntropy', 'labels', labels, [hidden.shape[0]], 'rows');
  if (hidden.shape[0] === 0) throw optionError('there are no rows', 'give at least one');
  if (typeof logits !== 'function' || !Array.isArray(parameters))
    throw optionError('the output layer is missing', 'give logits, a function, and parameters, a list of tensors');
  if (chunkRows !== undefined && !(Number.isInteger(chunkRows) && chunkRows >= 1))
    throw optionError(`chunkRows is ${chunkRows}`, 'use a whole number from 1 up');
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw optionError(`labelSmoothing is ${labelSmoothing}`, 'use a number from 0 to below 1');
  if (!Number.isInteger(ignoreIndex))
    throw optionError(`ignoreIndex is ${ignoreIndex}`, 'use a whole number such as -100');
}

function optionError(message: string, fix: string): Error {
  return tesseraeError({ package: 'core', code: 'E_OPTION', message: `chunkedCrossEntropy: ${message}`, fix });
}
