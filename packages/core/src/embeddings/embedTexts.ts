import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { compile } from '../compile/index';
import { createCapture } from '../model/capture';
import type { ArchitectureConfig, ForwardInputs, Model, Params } from '../model/types';
import { poolHiddenStates } from './poolHiddenStates';
import type { EmbedTextsOptions, Pooling } from './options';

/** Lengths are rounded up to multiples of this, so that few programs serve all texts. */
const LENGTH_STEP = 8;

/** Rows of ids, filled up on the right, with their mask: [B, T] each. */
function padRows(
  rows: readonly ArrayLike<number>[],
  pad: number,
  limit: number,
): { ids: tf.Tensor2D; mask: tf.Tensor2D } {
  const longest = Math.max(1, ...rows.map((row) => row.length));
  const time = Math.max(longest, Math.min(LENGTH_STEP * Math.ceil(longest / LENGTH_STEP), limit));
  const ids = new Int32Array(rows.length * time).fill(pad);
  const mask = new Int32Array(ids.length);
  rows.forEach((row, i) => {
    ids.set(Array.from(row), i * time);
    mask.fill(1, i * time, i * time + row.length);
  });
  return { ids: tf.tensor2d(ids, [rows.length, time], 'int32'), mask: tf.tensor2d(mask, [rows.length, time], 'int32') };
}

const limitOf = <C extends ArchitectureConfig>({ architecture, config }: Model<C>): number =>
  architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings;

function textsToIds<C extends ArchitectureConfig>(
  model: Model<C>,
  texts: readonly (string | ArrayLike<number>)[],
  maxTokens: number = model.config.maxPositionEmbeddings,
): ArrayLike<number>[] {
  const most = Math.min(maxTokens, limitOf(model));
  return texts.map((text) => {
    const ids = typeof text === 'string' ? model.tokenizer?.encode(text) : text;
    // what is cut off is the end of the text, not the token that closes it
    if (ids) return ids.length <= most ? ids : [...Array.from(ids).slice(0, most - 1), ids[ids.length - 1]];
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

/** The vectors of hidden states [B, T, D]: [B, D] for each pooling, side by side. */
function vectorsOf(
  hidden: tf.Tensor,
  mask: tf.Tensor | undefined,
  pooling: Pooling | readonly Pooling[],
  normalize: boolean,
): tf.Tensor {
  const modes = typeof pooling === 'string' ? [pooling] : pooling;
  const pooled = modes.map((mode) => poolHiddenStates(hidden, mask, mode)); // [B, D] each
  const vectors = pooled.length === 1 ? pooled[0] : tf.concat(pooled, 1);
  if (!normalize) return vectors;
  return tf.div(vectors, tf.maximum(tf.sqrt(tf.sum(tf.square(vectors), 1, true)), 1e-12));
}

function checkOptions({ batchSize = 32, maxTokens = 2, pooling }: EmbedTextsOptions): void {
  if (Array.isArray(pooling) && pooling.length === 0) {
    throw tesseraeError({
      package: 'core',
      code: 'E_OPTION',
      message: 'embedTexts: pooling is an empty list',
      fix: "name at least one pooling, such as 'mean'",
    });
  }
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
 * @param options `pooling`, `normalize`, `maxTokens`, as the model's own `embedding` says where they are absent; `batchSize`,
 *   `signal`, `onProgress`
 * @returns one vector a text: D features for each pooling
 * @throws E_NO_TOKENIZER for a text without tokenizer; E_OPTION for an option out of range or an unknown
 *   pooling
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
  texts: readonly (string | ArrayLike<number>)[],
  options: EmbedTextsOptions = {},
): Promise<Float32Array[]> {
  const maxTokens = options.maxTokens ?? model.embedding?.maxTokens;
  checkOptions({ ...options, maxTokens });
  const { batchSize = 32, signal, onProgress } = options;
  const pooling = options.pooling ?? model.embedding?.pooling ?? 'mean';
  const normalize = options.normalize ?? model.embedding?.normalize ?? true;
  const { config, params } = model;
  const run = compile(
    (weights: Params, given: ForwardInputs): tf.Tensor =>
      vectorsOf(hiddenStatesOf(model, weights, given), given.attentionMask, pooling, normalize),
    { name: 'embed texts' },
  );
  const rows = textsToIds(model, texts, maxTokens);
  const order = rows.map((_, i) => i).sort((a, b) => rows[b].length - rows[a].length || a - b); // like lengths together
  const vectors = new Array<Float32Array>(rows.length);
  try {
    for (let from = 0; from < order.length; from += batchSize) {
      const batch = order.slice(from, from + batchSize);
      const { ids, mask } = padRows(
        batch.map((i) => rows[i]),
        config.padTokenId ?? 0,
        limitOf(model),
      );
      const values = await read(() =>
        run.runAsyncWith({ signal }, params, { inputIds: ids, attentionMask: mask }),
      ).finally(() => tf.dispose([ids, mask]));
      const width = values.length / batch.length;
      batch.forEach((row, i) => (vectors[row] = values.slice(i * width, (i + 1) * width)));
      await onProgress?.(Math.min(from + batchSize, order.length));
    }
    return vectors;
  } finally {
    run.dispose();
  }
}

/** Reads what a program gives, and frees it. */
async function read(run: () => Promise<tf.Tensor>): Promise<Float32Array> {
  const pooled = await run();
  try {
    return (await pooled.data()) as Float32Array;
  } finally {
    pooled.dispose();
  }
}
