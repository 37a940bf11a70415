import * as tf from '@tensorflow/tfjs-core';

/** What TensorFlow.js knows of the gradients it is recording. */
interface Recording {
  activeTape?: { saved: tf.Tensor[] }[] | null;
  gradientDepth: number;
  kernelDepth: number;
}

/**
 * Takes gradients where TensorFlow.js is in the middle of taking others: inside the forward or backward function of a
 * custom gradient. Its own `grads` record nothing in the one place, and end the other recording in the other.
 *
 * @param run the function, of the tensors it closes over
 * @param xs what to differentiate by
 * @param upstream the gradient of the value; ones when absent
 * @returns the value, and the gradients; undefined for tensors that take no part
 */
export function nestedGradients(
  run: () => tf.Tensor,
  xs: readonly tf.Tensor[],
  upstream?: tf.Tensor,
): { value: tf.Tensor; gradients: (tf.Tensor | undefined)[] } {
  const engine = tf.engine();
  const state = engine.state as unknown as Recording;
  const { activeTape, gradientDepth, kernelDepth } = state;
  Object.assign(state, { activeTape: null, gradientDepth: 0, kernelDepth: 0 });
  try {
    const { value, grads } = engine.gradients(run, [...xs], upstream, true);
    return { value, gradients: grads };
  } finally {
    Object.assign(state, { activeTape, gradientDepth, kernelDepth });
  }
}

/**
 * Keeps tensors as long as the recording lasts, beyond the end of the scope that they were made in: those that the
 * operation recorded last closes over. They are disposed with it, so they must be nobody else's.
 */
export function keepWhileRecorded(tensors: readonly tf.Tensor[]): void {
  if (!isRecording()) return;
  const { activeTape } = tf.engine().state as unknown as Recording;
  const last = activeTape?.at(-1);
  for (const tensor of tensors) if (!tensor.kept && !tensor.isDisposed) last?.saved.push(tf.keep(tensor));
}

/** Whether gradients are being recorded here. */
export const isRecording = (): boolean =>
  (tf.engine() as unknown as { isTapeOn?: () => boolean }).isTapeOn?.() === true;
