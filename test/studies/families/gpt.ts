import { createModel, disposeModel, gpt2 } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { completion, evaluate, textGeneration } from '@tesserae/trainer';
import { generateSums } from 'tesserae';
import { trainFamily } from './family';
import type { FamilyResult } from './family';

/** A decoder adds: sums that it has never seen, each digit written after the ones that it depends on. */
export async function learnSums(seed: number): Promise<FamilyResult> {
  const sums = generateSums({ count: 10_000, seed });
  const [learn, test] = [sums.slice(0, 9000), sums.slice(9000, 9400)];
  const tokenizer = trainCharacterTokenizer('0123456789+=', { specialTokens: ['<pad>', '<end>'] });
  const start = createModel(
    gpt2,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize: 96,
      numHiddenLayers: 2,
      numAttentionHeads: 4,
      maxPositionEmbeddings: 12,
      embeddingDropout: 0,
      residualDropout: 0,
      attentionDropout: 0,
      padTokenId: tokenizer.tokenToId('<pad>')!,
      eosTokenId: tokenizer.tokenToId('<end>')!,
    },
    { seed, tokenizer },
  );
  const { model, ...rest } = await trainFamily(start, {
    data: learn,
    objective: completion(),
    steps: 700,
    batchSize: 128,
    learningRate: 3e-3,
    seed,
  });
  const score = await evaluate(
    model,
    textGeneration({
      data: test.map(({ prompt, completion: right }) => ({ prompt, references: right })),
      metrics: ['identical'],
      generation: { maxNewTokens: 4 },
      postprocess: (text) => text.replace('<end>', ''),
    }),
    { batchSize: 100, progress: false, samples: true },
  );
  disposeModel(start);
  disposeModel(model);
  return { score, ...rest };
}
