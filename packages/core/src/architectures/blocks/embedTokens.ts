import type * as tf from '@tensorflow/tfjs-core';
import type { Weight } from '../../model/weight';
import { embed } from '../../nn/embed';
import type { ForwardInputs } from '../../model/types';

/**
 * Token ids to vectors: [B, T] → [B, T, D]. As in Hugging Face the padding token's row takes no gradient; a negative
 * `padTokenId` counts from the end of the vocabulary.
 *
 * @param params the tree with `tokenEmbedding.weight` [V, D]
 * @param pass the forward pass: its ids, its config's `padTokenId` and `vocabSize`
 * @returns [B, T, D]
 */
export function embedTokens<C extends { readonly padTokenId?: number | null | undefined; readonly vocabSize: number }>(
  { tokenEmbedding }: { readonly tokenEmbedding: { readonly weight: Weight } },
  { inputs, config }: { readonly inputs: ForwardInputs; readonly config: C },
): tf.Tensor {
  const { padTokenId, vocabSize } = config;
  const paddingId =
    typeof padTokenId === 'number' && padTokenId < 0 ? vocabSize + padTokenId : (padTokenId ?? undefined);
  return embed(inputs.inputIds, tokenEmbedding.weight, { paddingId });
}
