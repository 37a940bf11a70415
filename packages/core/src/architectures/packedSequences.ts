/**
 * Several sequences in one row of a batch. Each stands in one piece and sees itself alone, as if it had a row of its own;
 * its positions begin at 0. Krell et al.: "Efficient Sequence Packing without Cross-contamination" (2021), section 3.2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { ArchitectureConfig, ForwardInputs } from '../model/types';
import { requireShape, requireTensor, sizes } from '../nn/shapes';
import { windowOf } from '../nn/sparse/slidingWindow';

/** What a forward pass needs to know of the sequences in its rows. */
export interface PackedSequences {
  /** Where the sequence of each position begins, and where it has ended: int32 [B, T, 2], for `attention`. */
  readonly spans: tf.Tensor;
  /** The place of each token within its sequence, 0 for padding: int32 [B, T]. */
  readonly positions: tf.Tensor;
}

/** Each entry becomes the largest of those up to it in its row, in log₂ T passes: int32 [B, T]. */
function largestSoFar(x: tf.Tensor): tf.Tensor {
  const [batch, time] = sizes(x);
  for (let step = 1; step < time; step *= 2) {
    const moved = tf.slice(x, [0, 0], [batch, time - step]);
    x = tf.maximum(x, tf.concat([tf.zeros([batch, step], 'int32'), moved], 1));
  }
  return x;
}

/** Each entry becomes the smallest of those from it on in its row; none is above T: int32 [B, T]. */
function smallestFromHere(x: tf.Tensor): tf.Tensor {
  const [batch, time] = sizes(x);
  for (let step = 1; step < time; step *= 2) {
    const moved = tf.slice(x, [0, step], [batch, time - step]);
    x = tf.minimum(x, tf.concat([moved, tf.fill([batch, step], time, 'int32')], 1));
  }
  return x;
}

/** Sequences are runs of one number; padding, the number 0, is a run too, which nobody else sees. */
function findSequences(sequenceIds: tf.Tensor): PackedSequences {
  const [batch, time] = sizes(sequenceIds);
  const place = tf.range(0, time, 1, 'int32'); // [T]
  const edge = tf.ones([batch, 1], 'int32');
  const without = (first: number): tf.Tensor => tf.slice(sequenceIds, [0, first], [batch, time - 1]);
  const changes = time > 1 ? [tf.cast(tf.notEqual(without(1), without(0)), 'int32')] : []; // [B, T - 1]
  const isFirst = tf.concat([edge, ...changes], 1); // [B, T]
  const isLast = tf.concat([...changes, edge], 1); // [B, T]
  const from = largestSoFar(tf.mul(isFirst, place)); // [B, T]
  const after = tf.sub(tf.scalar(time, 'int32'), tf.add(place, tf.scalar(1, 'int32'))); // [T]: T - end
  const to = smallestFromHere(tf.sub(tf.scalar(time, 'int32'), tf.mul(isLast, after))); // [B, T]
  const real = tf.cast(tf.greater(sequenceIds, tf.scalar(0, 'int32')), 'int32'); // [B, T]
  return { spans: tf.stack([from, to], 2), positions: tf.mul(tf.sub(place, from), real) };
}

/**
 * The sequences that `sequenceIds` tells of; nothing where they are absent.
 *
 * @throws E_SHAPE, E_DTYPE, E_TENSOR on bad ids; E_PACKING where sequences cannot share a row
 */
export function packedSequences(
  name: string,
  { inputIds, sequenceIds, cache }: ForwardInputs,
  { attention: pattern, head }: ArchitectureConfig,
): PackedSequences | undefined {
  if (sequenceIds === undefined) return undefined;
  requireTensor(name, 'sequenceIds', sequenceIds, ['int32']);
  requireShape(name, 'sequenceIds', sequenceIds, sizes(inputIds), 'batch, time');
  if (cache) throw cannotPack(name, 'a cache holds one sequence a row', 'leave the cache or sequenceIds out');
  if (head === 'sequence-classification')
    throw cannotPack(
      name,
      'a sequence classifier reads one vector of each row, and a row holds several sequences',
      'give each sequence a row of its own',
    );
  if (pattern !== undefined && pattern.name !== 'sliding-window')
    throw cannotPack(
      name,
      `the attention pattern '${pattern.name}' goes by places in the row, which are not those in the sequence`,
      'use slidingWindow, or no pattern, or give each sequence a row of its own',
    );
  return findSequences(sequenceIds);
}

/** What a model says that cannot take several sequences in a row. */
export const cannotPack = (name: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'core', code: 'E_PACKING', message: `${name}: ${message}`, fix });

/** How a layer looks through both its own window and that of a sliding-window pattern. */
export function bothWindows(
  { attention: pattern }: Pick<ArchitectureConfig, 'attention'>,
  { causal = true, window = Infinity }: { readonly causal?: boolean | undefined; readonly window?: number | undefined },
): { readonly causal: boolean; readonly window: number | undefined } {
  const { back } = pattern ? windowOf(pattern.options.window as number, pattern.causal) : { back: Infinity };
  const reach = Math.min(window, back + 1);
  return { causal: causal || pattern?.causal === true, window: reach === Infinity ? undefined : reach };
}
