import { disposeModel } from '@tesserae/core';
import { evaluate, maskedLanguageModeling, maskedPrediction } from '@tesserae/trainer';
import { generateRiddles } from 'tesserae';
import { trainFamily } from './family';
import type { FamilyResult } from './family';
import { smallEncoder } from './small-encoder';
import { wordTokenizer } from './word-tokenizer';

/** An encoder fills in gaps: a pronoun that follows from what stands before, an animal that follows from what stands after. */
export async function learnRiddles(seed: number): Promise<FamilyResult> {
  const riddles = generateRiddles({ count: 6000, seed });
  const [learn, test] = [riddles.slice(0, 5600), riddles.slice(5600)];
  const tokenizer = wordTokenizer(riddles.map(({ text }) => text));
  const start = smallEncoder(tokenizer, seed);
  const { model, ...rest } = await trainFamily(start, {
    data: learn.map(({ text }) => text),
    objective: maskedLanguageModeling({ maskProbability: 0.3 }),
    steps: 500,
    batchSize: 64,
    learningRate: 4e-3,
    seed,
  });
  const data = test.map(({ masked, answers }) => ({ text: masked, answers }));
  const score = await evaluate(model, maskedPrediction({ data }), { batchSize: 64, progress: false, samples: true });
  disposeModel(start);
  disposeModel(model);
  return { score, ...rest };
}
