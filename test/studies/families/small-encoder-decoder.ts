import { createModel, t5 } from '@tesserae/core';
import type { Model, T5Config } from '@tesserae/core';
import type { Tokenizer } from '@tesserae/tokenizer';

/** An encoder-decoder of two layers and four heads, without dropout; its tokenizer has `<pad>` and `</s>`. */
export function smallEncoderDecoder(
  tokenizer: Tokenizer,
  { hiddenSize, intermediateSize }: Pick<T5Config, 'hiddenSize' | 'intermediateSize'>,
  seed: number,
): Model<T5Config> {
  const padTokenId = tokenizer.tokenToId('<pad>')!;
  return createModel(
    t5,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize,
      headDim: hiddenSize / 4,
      intermediateSize,
      numHiddenLayers: 2,
      numAttentionHeads: 4,
      relativeAttentionBuckets: 32,
      relativeAttentionMaxDistance: 32,
      dropout: 0,
      padTokenId,
      decoderStartTokenId: padTokenId,
      eosTokenId: tokenizer.tokenToId('</s>')!,
    },
    { seed, tokenizer },
  );
}
