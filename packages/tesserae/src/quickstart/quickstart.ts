import path from 'node:path';
import { countParameters, createModel, disposeModel, generateText, gpt2, selectBackend } from '@tesserae/core';
import type { Gpt2Config, Model } from '@tesserae/core';
import { savePretrained } from '@tesserae/hub';
import { trainByteLevelBpe } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import { adamw, cosine, readTextFile, train } from '@tesserae/trainer';
import type { TrainingHistory } from '@tesserae/trainer';
import { generateStories, STORY_END } from '../stories/generateStories';
import { captureAttention } from './captureAttention';
import type { AttentionMap } from './captureAttention';
import { quickstartSetting as setting } from './setting';
import { writeReport } from './writeReport';

/** What the quickstart can be told. */
export interface QuickstartOptions {
  /** The folder that it writes: `out/quickstart`. */
  readonly folder?: string;
  /** A UTF-8 text file to learn from; stories that are made up on the spot when absent. */
  readonly textFile?: string;
  /** Updates to make: 800. */
  readonly steps?: number;
  /** Decides stories, weights, order and samples: 1. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Show progress in the terminal or notebook: true. */
  readonly progress?: boolean;
  /** Where lines of text go; the console when absent, nowhere when false. */
  readonly log?: ((line: string) => void) | false;
}

/** A prompt and what the model made of it. */
export interface Sample {
  readonly prompt: string;
  readonly before: string;
  readonly after: string;
}

/** What came of the quickstart. */
export interface QuickstartResult {
  /** A Hugging Face folder: config.json, model.safetensors, tokenizer.json. */
  readonly modelFolder: string;
  readonly reportFile: string;
  readonly parameters: number;
  readonly validationLoss: number;
  readonly tokensPerSecond: number;
  readonly samples: readonly Sample[];
  readonly backend: string;
  readonly seconds: number;
}

/** All that the report tells. */
export interface QuickstartStory {
  readonly options: QuickstartOptions;
  readonly result: QuickstartResult;
  readonly model: Model<Gpt2Config>;
  readonly history: TrainingHistory;
  readonly attention: AttentionMap;
  readonly source: string;
  readonly characters: number;
}

const storyPrompts = [
  'Mia had three apples. Tom gave her two apples more. Now Mia had',
  'Ben went to the park. There he heard a loud woof.',
  'Lily walked to the beach. It began to rain.',
];

/**
 * Trains a small GPT from nothing: text, tokenizer, model, training, samples before and after, a saved model and a
 * report with the loss curve, the samples and an attention map.
 *
 * @param options where to write, what to learn from, how long
 * @returns where model and report are, and the figures
 * @throws E_NOT_TEXT, E_EMPTY_TEXT, E_TEXT_TOO_SHORT for a text file that cannot be learned from; E_NOT_FOUND when it is
 *   not there; E_ABORTED when the signal came; E_NOT_WRITABLE, E_DISK_FULL when saving fails
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { quickstart } from 'tesserae';
 *
 * const folder = mkdtempSync(path.join(tmpdir(), 'quickstart-'));
 * const result = await quickstart({ folder, steps: 2, progress: false, log: false });
 * console.log(result.samples.length); // → 3
 * ```
 */
export async function quickstart(options: QuickstartOptions = {}): Promise<QuickstartResult> {
  const {
    folder = path.join('out', 'quickstart'),
    steps = setting.steps,
    seed = 1,
    textFile,
    signal,
    progress = true,
  } = options;
  const log = options.log === false ? (): void => undefined : (options.log ?? console.log);
  const start = performance.now();
  const backend = await selectBackend({ log });

  const text = textFile === undefined ? storyText(seed) : await readTextFile(textFile);
  const source =
    textFile === undefined ? `${setting.stories.toLocaleString('en')} generated stories` : path.basename(textFile);
  log(`Text: ${source}, ${text.length.toLocaleString('en')} characters.`);
  const tokenizer = trainByteLevelBpe(text, { vocabSize: setting.vocabSize, specialTokens: [STORY_END] });
  log(`Tokenizer: ${tokenizer.vocabSize} tokens, trained on that text.`);
  const fresh = createModel(gpt2, configFor(tokenizer), { seed, tokenizer });
  const parameters = countParameters(fresh);
  log(
    `Model: a GPT of ${setting.numHiddenLayers} layers and ${parameters.toLocaleString('en')} parameters, knowing nothing yet.`,
  );

  const prompts = textFile === undefined ? storyPrompts : promptsFrom(text);
  const before = await continueAll(fresh, prompts, seed, signal);
  const { model, history } = await train(fresh, {
    data: text,
    steps,
    batchSize: setting.batchSize,
    microBatchSize: setting.microBatchSize,
    contextLength: setting.contextLength,
    optimizer: adamw({ beta2: 0.95, weightDecay: 0.1 }),
    schedule: cosine({
      learningRate: setting.learningRate,
      minimumLearningRate: setting.minimumLearningRate,
      warmupSteps: Math.min(setting.warmupSteps, Math.floor(steps / 2)),
      totalSteps: steps,
    }),
    evaluateEvery: Math.min(setting.evaluateEvery, steps),
    seed,
    progress,
    ...(signal && { signal }),
  });
  disposeModel(fresh);

  try {
    const after = await continueAll(model, prompts, seed, signal);
    const attention = captureAttention(model, prompts[0]);
    const modelFolder = path.join(folder, 'model');
    await savePretrained(model, modelFolder);
    const rates = history.steps.map(({ tokensPerSecond }) => tokensPerSecond).sort((a, b) => a - b);
    const result: QuickstartResult = {
      modelFolder,
      reportFile: path.join(folder, 'report.html'),
      parameters,
      validationLoss: history.evaluations.at(-1)?.loss ?? NaN,
      tokensPerSecond: rates[rates.length >> 1],
      samples: prompts.map((prompt, i) => ({ prompt, before: before[i], after: after[i] })),
      backend: backend.description,
      seconds: (performance.now() - start) / 1000,
    };
    await writeReport({ options, result, model, history, attention, source, characters: text.length });
    for (const { prompt, after: continuation } of result.samples) log(`\n  ${prompt}\x1b[36m${continuation}\x1b[0m`);
    log(`\nModel:  ${result.modelFolder}\nReport: ${result.reportFile}`);
    return result;
  } finally {
    disposeModel(model);
  }
}

function storyText(seed: number): string {
  return generateStories({ count: setting.stories, seed }).join(`\n${STORY_END}\n`);
}

function configFor(tokenizer: Tokenizer): Partial<Gpt2Config> {
  const end = tokenizer.tokenToId(STORY_END) ?? null;
  return {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: setting.hiddenSize,
    numHiddenLayers: setting.numHiddenLayers,
    numAttentionHeads: setting.numAttentionHeads,
    maxPositionEmbeddings: setting.contextLength,
    attentionDropout: 0,
    embeddingDropout: 0,
    residualDropout: 0,
    bosTokenId: end,
    eosTokenId: end,
  };
}

/** Beginnings of lines of the text itself. */
function promptsFrom(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim().length >= 12);
  const starts = [0.2, 0.5, 0.8].map((share) => lines[Math.floor(share * lines.length)] ?? text.slice(0, 40));
  return starts.map((line) => [...line].slice(0, 40).join('').trimEnd());
}

async function continueAll(
  model: Model<Gpt2Config>,
  prompts: readonly string[],
  seed: number,
  signal?: AbortSignal,
): Promise<string[]> {
  const texts: string[] = [];
  for (const prompt of prompts)
    texts.push(
      await generateText(model, prompt, {
        maxNewTokens: 48,
        temperature: 0.5,
        topK: 40,
        seed,
        ...(signal && { signal }),
      }),
    );
  return texts;
}
