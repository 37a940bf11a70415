import { createModel, disposeModel, t5 } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { evaluate, sequenceToSequence, textGeneration } from '@tesserae/trainer';
import { generateDates } from 'tesserae';
import { trainFamily } from './family';
import type { FamilyResult } from './family';

/** An encoder-decoder translates: dates as people write them into the international form, days that it has never seen. */
export async function learnDates(seed: number): Promise<FamilyResult> {
  const dates = generateDates({ count: 12_000, seed });
  const [learn, test] = [dates.slice(0, 11_000), dates.slice(11_000, 11_400)];
  const letters = dates.slice(0, 2000).map(({ source, target }) => source + target);
  const tokenizer = trainCharacterTokenizer(letters.join(''), { specialTokens: ['<pad>', '</s>'] });
  const padTokenId = tokenizer.tokenToId('<pad>')!;
  const start = createModel(
    t5,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize: 96,
      headDim: 24,
      intermediateSize: 256,
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
  const { model, ...rest } = await trainFamily(start, {
    data: learn,
    objective: sequenceToSequence(),
    steps: 800,
    batchSize: 64,
    learningRate: 3e-3,
    seed,
  });
  const score = await evaluate(
    model,
    textGeneration({
      data: test.map(({ source, target }) => ({ prompt: source, references: target })),
      metrics: ['identical', 'chrf'],
      generation: { maxNewTokens: 12 },
      postprocess: (text) => text.replace('</s>', ''),
    }),
    { batchSize: 100, progress: false, samples: true },
  );
  disposeModel(start);
  disposeModel(model);
  return { score, ...rest };
}
