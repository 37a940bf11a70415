import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { compile } from '../compile/index';
import { createCapture } from '../model/capture';
import type { ArchitectureConfig, ForwardInputs, Model, Params } from '../model/types';
import { poolHiddenStates } from './poolHiddenStates';
import type { TextPooling } from './poolHiddenStates';

/** How texts become vectors. */
export interface EmbedTextsOptions {
  /** `mean` when absent. */
  readonly pooling?: TextPooling | undefined;
  /** Whether each vector gets length 1, so that a product of two is their cosine; true when absent. */
  readonly normalize?: boolean | undefined;
  /** Texts at a time; 32 when absent. */
  readonly batchSize?: number | undefined;
  /** Tokens of a text, the rest is cut off; what the model takes when absent. */
  readonly maxTokens?: number | undefined;
}

/** Rows of ids, filled up on the right, with their mask. */
function padRows(rows: readonly ArrayLike<number>[], pad: number): { ids: tf.Tensor2D; mask: tf.Tensor2D } {
  const time = Math.max(1, ...rows.map((row) => row.length));
  const ids = new Int32Array(rows.length * time).fill(pad);
  const mask = new Int32Array(ids.length);
  rows.forEach((row, i) => {
    ids.set(Array.from(row), i * time);
    mask.fill(1, i * time, i * time + row.length);
  });
  return { ids: tf.tensor2d(ids, [rows.length, time], 'int32'), mask: tf.tensor2d(mask, [rows.length, time], 'int32') };
}

function textsToIds<C extends ArchitectureConfig>(
  { tokenizer, architecture, config }: Model<C>,
  texts: readonly (string | readonly number[])[],
  maxTokens: number | undefined,
): ArrayLike<number>[] {
  const limit = architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings;
  const most = Math.min(maxTokens ?? config.maxPositionEmbeddings, limit);
  return texts.map((text) => {
    if (typeof text !== 'string') return text.slice(0, most);
    if (tokenizer) {
      const ids = tokenizer.encode(text);
      // what is cut off is the end of the text, not the token that closes it
      return ids.length <= most ? ids : [...ids.slice(0, most - 1), ids[ids.length - 1]];
    }
    throw tesseraeError({
      package: 'core',
      code: 'E_NO_TOKENIZER',
      message: 'embedTexts: the model has no tokenizer',
      fix: 'give it one, or give token ids',
    });
  });
}

/** What the body says: of an encoder-decoder the encoder, of a decoder what its final norm gives. */
function hiddenStatesOf<C extends ArchitectureConfig>(
  { architecture, config }: Model<C>,
  params: Params,
  inputs: ForwardInputs,
): tf.Tensor {
  if (architecture.encode) return architecture.encode(params, inputs, { config }).hiddenStates;
  const capture = createCapture({ names: ['finalNorm'] });
  const { hiddenStates } = architecture.forward(params, inputs, { config, capture });
  return hiddenStates ?? capture.values.finalNorm;
}

function checkOptions({ batchSize = 32, maxTokens = 2 }: EmbedTextsOptions): void {
  for (const [name, value, least] of [
    ['batchSize', batchSize, 1],
    ['maxTokens', maxTokens, 2],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue;
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: `embedTexts: ${name} is ${String(value)}`,
      fix: `use a whole number from ${least} up`,
    });
  }
}

/**
 * Turns texts into vectors that lie near each other where the texts mean the same: the hidden states of an encoder, pooled.
 *
 * @param model an encoder, such as `bert` with the head `none`; its decoder does not run where it has one. Not changed
 * @param texts texts, or token ids with whatever special tokens the model wants
 * @param options `pooling`, `normalize`, `batchSize`, `maxTokens`
 * @returns one vector of D features a text
 * @throws E_NO_TOKENIZER for a text without tokenizer; E_OPTION for an option out of range
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { bert, createModel, embedTexts } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const size = { vocabSize: 10, hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const model = createModel(bert, { ...size, head: 'none' }, { seed: 1 });
 * const [one, two] = await embedTexts(model, [[2, 5, 3], [2, 5, 6, 3]]);
 * console.log(one.length, two.reduce((sum, x) => sum + x * x, 0).toFixed(3)); // → 8 1.000
 * ```
 */
export async function embedTexts<C extends ArchitectureConfig>(
  model: Model<C>,
  texts: readonly (string | readonly number[])[],
  options: EmbedTextsOptions = {},
): Promise<Float32Array[]> {
  checkOptions(options);
  const { pooling = 'mean', normalize = true, batchSize = 32 } = options;
  const { config, params } = model;
  const run = compile(
    (weights: Params, given: ForwardInputs): tf.Tensor => {
      const hidden = hiddenStatesOf(model, weights, given); // [B, T, D]
      const pooled = poolHiddenStates(hidden, given.attentionMask, pooling); // [B, D]
      if (!normalize) return pooled;
      return tf.div(pooled, tf.maximum(tf.sqrt(tf.sum(tf.square(pooled), 1, true)), 1e-12));
    },
    { name: 'embed texts' },
  );
  const rows = textsToIds(model, texts, options.maxTokens);
  const vectors: Float32Array[] = [];
  try {
    for (let from = 0; from < rows.length; from += batchSize) {
      const batch = rows.slice(from, from + batchSize);
      const { ids, mask } = padRows(batch, config.padTokenId ?? 0);
      const pooled = await run.runAsync(params, { inputIds: ids, attentionMask: mask });
      const values = (await pooled.data()) as Float32Array;
      const width = values.length / batch.length;
      batch.forEach((_, i) => vectors.push(values.slice(i * width, (i + 1) * width)));
      tf.dispose([ids, mask, pooled]);
    }
    return vectors;
  } finally {
    run.dispose();
  }
}
