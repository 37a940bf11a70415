import { bert, createModel, disposeModel } from '@tesserae/core';
import type { BertConfig, Model } from '@tesserae/core';
import { trainWordPiece } from '@tesserae/tokenizer';
import {
  adamw,
  augment,
  characterDeletion,
  characterInsertion,
  characterSwap,
  classification,
  cosine,
  evaluate,
  keyboardSlips,
  sequenceClassification,
  synonymReplacement,
  train,
  wordDeletion,
  wordSwap,
} from '@tesserae/trainer';
import type { Augmenter } from '@tesserae/trainer';
import { shuffled } from '../classified-texts';
import type { ClassifiedRow } from '../classified-texts';
import { setting } from './setting';

/** The four ways to mistype. */
export const typos = (rate: number): Augmenter[] => [
  keyboardSlips({ rate }),
  characterDeletion({ rate }),
  characterSwap({ rate }),
  characterInsertion({ rate }),
];

/** Other words, or fewer, or in another order. */
export const otherWords = (rate: number): Augmenter[] => [
  wordDeletion({ rate }),
  wordSwap({ rate }),
  synonymReplacement({ rate }),
];

/** Accuracy on texts as they are, and on the same texts mistyped. */
export interface Accuracy {
  readonly clean: number;
  readonly typos: number;
}

/** What one draw of the data gave. */
export interface Draw {
  readonly plain: Accuracy;
  readonly augmented: Accuracy;
  /** The model that learned from copies too; yours to dispose. */
  readonly model: Model<BertConfig>;
  readonly learned: readonly ClassifiedRow[];
}

/** The same small encoder on a tenth of the rows, with and without copies; same steps, same start. */
export async function learnFromTenth(rows: readonly ClassifiedRow[], seed: number): Promise<Draw> {
  const all = shuffled(rows, seed);
  const count = Math.round(all.length * setting.share);
  const learned = all.slice(0, count);
  const test = all.slice(count, count + setting.tested);
  const mistyped = await augment(test, typos(setting.testedRate), { seed: setting.testedSeed, originals: false });
  const more = await copiesOf(learned, seed);
  const tests = { clean: test, typos: mistyped.examples };
  const plain = await fit(learned, learned, seed);
  const augmented = await fit(learned, more, seed);
  const scores = { plain: await score(plain, tests), augmented: await score(augmented, tests) };
  disposeModel(plain);
  return { ...scores, model: augmented, learned };
}

/** Copies with other words, and of all of them, and of the rows themselves, copies with typos. */
async function copiesOf(rows: readonly ClassifiedRow[], seed: number): Promise<readonly ClassifiedRow[]> {
  const { copies, wordRate, letterRate } = setting;
  const { examples: reworded } = await augment(rows, otherWords(wordRate), { seed, copies: copies.words });
  const { examples } = await augment(reworded, typos(letterRate), { seed: seed + 1000, copies: copies.typos });
  return examples;
}

async function fit(
  known: readonly ClassifiedRow[],
  data: readonly ClassifiedRow[],
  seed: number,
): Promise<Model<BertConfig>> {
  const { vocabSize, minFrequency, width, longest, steps, learningRate } = setting;
  const tokenizer = trainWordPiece(
    known.map(({ text }) => text), // of the originals: the same one with and without copies
    { vocabSize, minFrequency },
  );
  const start = createModel(
    bert,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize: width,
      intermediateSize: 2 * width,
      numHiddenLayers: setting.layers,
      numAttentionHeads: setting.heads,
      maxPositionEmbeddings: longest,
      attentionDropout: 0,
      initializerRange: 0.08, // 0.02 suits widths of a thousand
      padTokenId: 0,
      head: 'sequence-classification',
      numLabels: 2,
    },
    { seed, tokenizer },
  );
  const { model } = await train(start, {
    data,
    objective: sequenceClassification(),
    steps,
    batchSize: setting.batch,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: cosine({ learningRate, warmupSteps: 20, totalSteps: steps }),
    seed,
    progress: false,
  });
  disposeModel(start);
  return model;
}

async function score(
  model: Model<BertConfig>,
  tests: Readonly<Record<keyof Accuracy, readonly ClassifiedRow[]>>,
): Promise<Accuracy> {
  const options = { batchSize: 100, resamples: 0, progress: false };
  const accuracy = async (data: readonly ClassifiedRow[]): Promise<number> =>
    (await evaluate(model, classification({ data }), options)).metrics.accuracy.value;
  return { clean: await accuracy(tests.clean), typos: await accuracy(tests.typos) };
}
