import { disposeModel } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { evaluate, sequenceToSequence, textGeneration } from '@tesserae/trainer';
import { generateDates } from 'tesserae';
import { trainFamily } from './family';
import type { FamilyResult } from './family';
import { smallEncoderDecoder } from './small-encoder-decoder';

/** An encoder-decoder translates: dates as people write them into the international form, days that it has never seen. */
export async function learnDates(seed: number): Promise<FamilyResult> {
  const dates = generateDates({ count: 12_000, seed });
  const [learn, test] = [dates.slice(0, 11_000), dates.slice(11_000, 11_400)];
  const letters = dates.slice(0, 2000).map(({ source, target }) => source + target);
  const tokenizer = trainCharacterTokenizer(letters.join(''), { specialTokens: ['<pad>', '</s>'] });
  const start = smallEncoderDecoder(tokenizer, { hiddenSize: 96, intermediateSize: 256 }, seed);
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
