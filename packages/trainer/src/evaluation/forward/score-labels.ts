import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import type { EvaluationContext } from '../task';
import { positionsOf } from './positions';
import { runForward } from './run-forward';
import type { ForwardRow } from './run-forward';

/** The label that does not count. */
const IGNORED = -100;

/** A row whose labels are to be scored: `labels` beside `inputIds`, or beside `decoderInputIds` where there is a decoder. */
export interface LabelledRow extends ForwardRow {
  readonly inputIds: ArrayLike<number>;
  /** The right id at each place, or -100 where none counts. */
  readonly labels: ArrayLike<number>;
}

/**
 * How surprised a language model is by each row's labels together, in nats: -Σ log p(label).
 *
 * Only one number a row leaves the device.
 */
export async function scoreLabels(
  model: Model,
  rows: readonly LabelledRow[],
  context: EvaluationContext,
): Promise<number[]> {
  const encodes = model.architecture.encode !== undefined;
  const sums = await runForward(
    model,
    rows,
    {
      name: 'scoreLabels',
      mask: encodes,
      fillers: { inputIds: model.config.padTokenId ?? 0, labels: IGNORED },
      pick({ logits }, { labels }) {
        const [batch, time, vocabulary] = logits.shape as [number, number, number];
        const losses = crossEntropy(
          tf.reshape(logits, [batch * time, vocabulary]),
          tf.reshape(labels, [batch * time]),
          {
            reduction: 'none',
          },
        ); // [B·T]
        return tf.sum(tf.reshape(losses, [batch, time]), 1); // [B]
      },
    },
    context,
  );
  return sums.map(([sum]) => sum);
}

/**
 * A row that asks how likely `continuation` is after `context`. Of a context that is too long the end is kept.
 *
 * @param context ids before; of an encoder-decoder what the encoder reads
 * @param continuation ids that are scored
 */
export function continuationRow(
  model: Model,
  context: readonly number[],
  continuation: readonly number[],
): LabelledRow {
  const { decoderStartTokenId, padTokenId } = model.config;
  const longest = positionsOf(model);
  if (model.architecture.encode !== undefined) {
    const start = decoderStartTokenId ?? padTokenId ?? 0;
    return {
      inputIds: context.slice(-longest),
      decoderInputIds: [start, ...continuation.slice(0, -1)],
      labels: continuation,
    };
  }
  const ids = [...context, ...continuation].slice(-(longest + 1));
  const first = ids.length - continuation.length; // of the ids that are scored
  return {
    inputIds: ids.slice(0, -1),
    labels: ids.slice(1).map((id, i) => (i + 1 >= first ? id : IGNORED)),
  };
}
