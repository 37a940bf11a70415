import { disposeModel } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { spanCorruption } from '@tesserae/trainer';
import type { ObjectiveBatch } from '@tesserae/trainer';
import { generateRiddles } from 'tesserae';
import { trainFamily } from '../families/family';
import { smallEncoderDecoder } from '../families/small-encoder-decoder';
import { wordTokenizer } from '../families/word-tokenizer';

/** What writing spans that were taken out costs on texts that were never seen, beside guessing by how common tokens are. */
export async function learnSpans(seed: number): Promise<Readonly<Record<string, number>>> {
  const texts = generateRiddles({ count: 4000, seed }).map(({ text }) => text);
  const sentinels = Array.from({ length: 8 }, (_, i) => `<extra_id_${i}>`);
  const tokenizer = wordTokenizer(texts, ['<pad>', '[UNK]', '</s>', ...sentinels]);
  const start = smallEncoderDecoder(tokenizer, { hiddenSize: 64, intermediateSize: 128 }, seed);
  const objective = spanCorruption({ anywhere: true });
  const setting = { data: texts, objective, steps: 500, batchSize: 64, learningRate: 4e-3, seed };
  const { model, history } = await trainFamily(start, setting);
  const { sampler, evaluationBatches } = await objective.prepare(start as unknown as Model, texts, {
    rows: 64,
    evaluationRows: 64,
    evaluationBatches: 4,
    contextLength: undefined,
    validationFraction: 0.02,
    seed,
  });
  const learned = Array.from({ length: 40 }, (_, step) => sampler(step));
  disposeModel(start);
  disposeModel(model);
  return {
    spanLoss: history.evaluations[history.evaluations.length - 1].loss,
    spanLossOfFrequencies: frequencyLoss(learned, evaluationBatches, tokenizer.vocabSize),
  };
}

/** Nats per label by how common each is among those learned; each counted once more than it came. */
function frequencyLoss(learned: readonly ObjectiveBatch[], held: readonly ObjectiveBatch[], vocabSize: number): number {
  const labelsOf = (batches: readonly ObjectiveBatch[]): number[] =>
    batches.flatMap(({ labels }) => Array.from(labels!).filter((label) => label !== -100));
  const counts = new Array<number>(vocabSize).fill(1);
  const seen = labelsOf(learned);
  for (const label of seen) counts[label]++;
  const wanted = labelsOf(held);
  return wanted.reduce((sum, label) => sum - Math.log(counts[label] / (seen.length + vocabSize)), 0) / wanted.length;
}
