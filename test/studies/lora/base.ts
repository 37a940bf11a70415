import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createKey, createModel, disposeModel, foldIn, roberta } from '@tesserae/core';
import type { Model, RobertaConfig } from '@tesserae/core';
import { savePretrained } from '@tesserae/hub';
import { trainWordPiece } from '@tesserae/tokenizer';
import { adamw, contrastive, cosine, maskedLanguageModeling, train, wordDeletion } from '@tesserae/trainer';
import type { Objective, TextPair } from '@tesserae/trainer';
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

/** Each text twice, words left out of both by chance: what the two have in common is what the text is about. */
async function pairsOf(texts: readonly string[], seed: number): Promise<TextPair[]> {
  const { dropped, looks } = setting.contrast;
  const drop = wordDeletion({ rate: dropped });
  const key = createKey(seed);
  const shortened = async (text: string, at: number): Promise<string> =>
    (await drop.augment({ text }, foldIn(key, at)))[0]?.text ?? text;
  const pairs: TextPair[] = [];
  for (let look = 0; look < looks; look++) {
    for (const text of texts) {
      const at = 2 * pairs.length;
      pairs.push({ anchor: await shortened(text, at), positive: await shortened(text, at + 1) });
    }
  }
  return pairs;
}

/** A part of what the base learns. @returns the model, and the mean loss of the last steps */
async function learn<D extends string | TextPair>(
  start: Model<RobertaConfig>,
  data: readonly D[],
  objective: Objective,
  { steps, rows, learningRate }: { readonly steps: number; readonly rows: number; readonly learningRate: number },
  seed: number,
): Promise<{ model: Model<RobertaConfig>; loss: number }> {
  const { model, history } = await train(start, {
    data,
    objective,
    steps,
    batchSize: rows,
    contextLength: setting.context,
    bucketing: { widths: setting.widths },
    optimizer: adamw({ beta2: 0.98, weightDecay: 0.01 }),
    schedule: cosine({ learningRate, minimumLearningRate: learningRate / 20, warmupSteps: 50, totalSteps: steps }),
    seed,
    progress: false,
  });
  disposeModel(start);
  const last = history.steps.slice(-50);
  return { model, loss: last.reduce((sum, { loss }) => sum + loss, 0) / last.length };
}

/** What came of the base's training. */
export interface BaseResult {
  /** Nats a hidden token. */
  readonly loss: number;
  /** Nats to find the other half of a pair. */
  readonly pairLoss: number;
  readonly texts: number;
  readonly seconds: number;
}

/**
 * Trains an encoder from nothing, and saves it: the base of all that follows. First it fills in gaps; this asks nothing of
 * its first token, which a classifier reads, so then that token learns to know a text by any part of its words.
 */
async function trainBase(folder: string, seed: number): Promise<BaseResult> {
  const began = performance.now();
  const texts = await readTexts(seed);
  const tokenizer = trainWordPiece(texts, { vocabSize: setting.vocabSize });
  const { pretraining, contrast } = setting;
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
  const masked = maskedLanguageModeling({ maskProbability: pretraining.maskProbability });
  const filled = await learn(start, texts, masked, pretraining, seed);
  const byFirst: Model<RobertaConfig> = { ...filled.model, embedding: { pooling: 'cls' } };
  const close = contrastive({ temperature: contrast.temperature });
  const { model, loss: pairLoss } = await learn(byFirst, await pairsOf(texts, seed), close, contrast, seed);
  await savePretrained(model, folder);
  disposeModel(model);
  const seconds = (performance.now() - began) / 1000;
  return { loss: filled.loss, pairLoss, texts: texts.length, seconds };
}

/** The base in a folder: the one that is there, if this setting and seed made it, or a new one. */
export async function readyBase(folder: string, seed: number): Promise<BaseResult & { readonly isNew: boolean }> {
  const { tasks: _, lora: __, large: ___, ...madeOf } = setting;
  const note = path.join(folder, 'made.json');
  const made = JSON.stringify({ ...madeOf, seed });
  if (existsSync(note)) {
    const known = JSON.parse(readFileSync(note, 'utf8')) as { made: string; result: BaseResult };
    if (known.made === made) return { ...known.result, isNew: false };
  }
  const result = await trainBase(folder, seed);
  writeFileSync(note, JSON.stringify({ made, result }));
  return { ...result, isNew: true };
}
