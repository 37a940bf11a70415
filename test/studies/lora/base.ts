import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createModel, disposeModel, roberta } from '@tesserae/core';
import { savePretrained } from '@tesserae/hub';
import { trainWordPiece } from '@tesserae/tokenizer';
import { adamw, cosine, maskedLanguageModeling, train } from '@tesserae/trainer';
import { readSentiment } from '../classified-texts';
import { dataFolder } from '../data-folder';
import { setting } from './setting';
import { readTask } from './tasks';

/** The sentences of a file of two sentences a line, between tabs. */
const sentencesOf = (name: string): string[] =>
  readFileSync(path.join(dataFolder(), 'nli-qa', name), 'utf8')
    .split('\n')
    .slice(1)
    .flatMap((line) => line.split('\t').filter((cell) => cell.includes(' ')));

/** What the base reads: the texts of both tasks that are learned from, and others; none that is tested with. */
async function readTexts(seed: number): Promise<string[]> {
  const [banking, spam] = [await readTask('banking77', seed), await readTask('spam', seed)];
  const own = [...banking.train, ...spam.train, ...readSentiment()].map(({ text }) => text);
  return [...own, ...sentencesOf('esnli_dev_2500.tsv'), ...sentencesOf('esnli_test_1500.tsv')];
}

/** Trains an encoder from nothing to fill in gaps, and saves it: the base of all that follows. */
export async function trainBase(folder: string, seed: number): Promise<{ loss: number; texts: number }> {
  const texts = await readTexts(seed);
  const tokenizer = trainWordPiece(texts, { vocabSize: setting.vocabSize });
  const { steps, rows, learningRate, maskProbability } = setting.pretraining;
  const start = createModel(
    roberta,
    {
      vocabSize: tokenizer.vocabSize,
      hiddenSize: setting.width,
      intermediateSize: setting.feedForward,
      numHiddenLayers: setting.layers,
      numAttentionHeads: setting.heads,
      maxPositionEmbeddings: setting.context + 2,
      typeVocabSize: 1,
      hiddenDropout: 0,
      attentionDropout: 0,
      padTokenId: tokenizer.tokenToId('[PAD]')!,
      bosTokenId: tokenizer.tokenToId('[CLS]')!,
      eosTokenId: tokenizer.tokenToId('[SEP]')!,
      initializerRange: 0.05, // 0.02 suits widths of a thousand
    },
    { seed, tokenizer },
  );
  const { model, history } = await train(start, {
    data: texts,
    objective: maskedLanguageModeling({ maskProbability }),
    steps,
    batchSize: rows,
    contextLength: setting.context,
    optimizer: adamw({ beta2: 0.98, weightDecay: 0.01 }),
    schedule: cosine({ learningRate, minimumLearningRate: learningRate / 20, warmupSteps: 50, totalSteps: steps }),
    seed,
    progress: false,
  });
  await savePretrained(model, folder);
  disposeModel(start);
  disposeModel(model);
  const last = history.steps.slice(-50);
  return { loss: last.reduce((sum, { loss }) => sum + loss, 0) / last.length, texts: texts.length };
}
