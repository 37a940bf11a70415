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
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { embedTokens } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const params = { tokenEmbedding: { weight: tf.tensor2d([[0, 0], [1, 2], [3, 4]]) } };
 * const inputs = { inputIds: tf.tensor2d([[2, 1]], [1, 2], 'int32') };
 * const x = embedTokens(params, { inputs, config: { vocabSize: 3, padTokenId: 0 } });
 * console.log(Array.from(x.dataSync())); // → [ 3, 4, 1, 2 ]
 * ```
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
