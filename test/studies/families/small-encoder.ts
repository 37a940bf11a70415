import { bert, createModel } from '@tesserae/core';
import type { BertConfig, Model } from '@tesserae/core';
import type { Tokenizer } from '@tesserae/tokenizer';

/** An encoder of two layers that fills in gaps, without dropout. */
export const smallEncoder = (tokenizer: Tokenizer, seed: number): Model<BertConfig> =>
  createModel(
    bert,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize: 64,
      intermediateSize: 128,
      numHiddenLayers: 2,
      numAttentionHeads: 4,
      maxPositionEmbeddings: 32,
      hiddenDropout: 0,
      attentionDropout: 0,
      padTokenId: tokenizer.tokenToId('[PAD]')!,
      head: 'masked-lm',
      initializerRange: 0.1, // 0.02 suits widths of a thousand; here it costs hundreds of steps
    },
    { seed, tokenizer },
  );
