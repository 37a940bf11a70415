import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { attentionSinks, compile, createModel, crossEntropy, disposeModel, llama, slidingWindow } from '@tesserae/core';
import type { AttentionPattern, Model, Params } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { adamw, cosine, createTokenDataset, readTextFile, train } from '@tesserae/trainer';
import { quality } from './setting';

/** A model that was trained at a short length, and its perplexity on the same tokens read in pieces of each length. */
export interface Kept {
  readonly name: string;
  readonly perplexities: readonly number[];
}

/** Trains one model under each pattern, and reads long texts with it. */
export async function keepQuality(seed: number, say: (line: string) => void): Promise<Kept[]> {
  const data = process.env.TESSERAE_TEST_DATA ?? path.join('..', 'shared', 'data');
  const text = await readTextFile(path.join(data, 'text', 'tinyshakespeare.txt'));
  const { window, sinks } = quality;
  const found: Kept[] = [];
  for (const [name, attention] of [
    ['dense', undefined],
    ['sliding window', slidingWindow({ window })],
    ['attention sinks', attentionSinks({ sinks, window: window - sinks })],
  ] as const) {
    const perplexities = await trainAndRead(text, attention, seed);
    say(
      `${name}: perplexity ${quality.lengths.map((length, at) => `${perplexities[at].toFixed(3)} at ${length}`).join(', ')}`,
    );
    found.push({ name, perplexities });
  }
  return found;
}

async function trainAndRead(text: string, attention: AttentionPattern | undefined, seed: number): Promise<number[]> {
  const tokenizer = trainCharacterTokenizer(text);
  const dataset = createTokenDataset(text, { tokenizer, validationFraction: 0.1 });
  const config = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: quality.width,
    intermediateSize: quality.feedForward,
    numHiddenLayers: quality.layers,
    numAttentionHeads: quality.heads,
    maxPositionEmbeddings: quality.context,
    tieWordEmbeddings: true,
    attention,
  };
  const fresh = createModel(llama, config, { seed, tokenizer });
  const { learningRate, minimumLearningRate, warmupSteps, steps } = quality;
  const { model } = await train(fresh, {
    data: dataset,
    steps,
    batchSize: quality.batch,
    optimizer: adamw({ beta2: 0.99, weightDecay: 0.1 }),
    schedule: cosine({ learningRate, minimumLearningRate, warmupSteps, totalSteps: steps }),
    seed,
    progress: false,
  });
  disposeModel(fresh);
  const longest = Math.max(...quality.lengths);
  const tokens = Int32Array.from(tokenizer.encode(text.slice(-0.1 * text.length)).slice(0, longest + 1));
  const perplexities = quality.lengths.map((length) => perplexity(model as unknown as Model, tokens, length));
  disposeModel(model);
  return perplexities;
}

/** e to the mean loss of all tokens after the first, read in pieces of so many. */
function perplexity(model: Model, tokens: Int32Array, length: number): number {
  // A dense model may look at any number of positions; that it has learned only a few is what shows.
  const config = { ...model.config, maxPositionEmbeddings: Math.max(length, model.config.maxPositionEmbeddings) };
  const loss = compile((params: Params, inputIds: tf.Tensor, labels: tf.Tensor) => {
    const { logits } = model.architecture.forward(params, { inputIds }, { config });
    return crossEntropy(tf.reshape(logits, [length, config.vocabSize]), labels);
  });
  let sum = 0;
  const pieces = (tokens.length - 1) / length;
  for (let piece = 0; piece < pieces; piece++) {
    const at = piece * length;
    const inputIds = tf.tensor2d(tokens.slice(at, at + length), [1, length], 'int32');
    const labels = tf.tensor1d(tokens.slice(at + 1, at + length + 1), 'int32');
    const value = loss(model.params, inputIds, labels);
    sum += value.dataSync()[0];
    tf.dispose([inputIds, labels, value]);
  }
  loss.dispose();
  return Math.exp(sum / pieces);
}
