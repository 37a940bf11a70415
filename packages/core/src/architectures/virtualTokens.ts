import * as tf from '@tensorflow/tfjs-core';
import type { Architecture, ArchitectureConfig, ForwardInputs, ForwardOutput, Model } from '../model/types';
import { sizes } from '../nn/shapes';
import { tidyForward } from './forwardContext';
import { cannotPack } from './packedSequences';

/** One architecture for each number of virtual tokens, so that programs are found again. */
const made = /* @__PURE__ */ new WeakMap<object, Map<number, Architecture<never>>>();

/** int32 [B, n]: V, V + 1 … for each row. */
function virtualRows(batch: number, count: number, vocabSize: number): tf.Tensor2D {
  return tf.tile(tf.reshape(tf.range(vocabSize, vocabSize + count, 1, 'int32'), [1, count]), [batch, 1]);
}

/** The inputs with the virtual tokens before each row of `inputIds`. */
function prepend<C extends ArchitectureConfig>(
  inputs: ForwardInputs,
  count: number,
  { vocabSize }: C,
  isEncoder: boolean,
): ForwardInputs {
  const { inputIds, attentionMask, positionIds, tokenTypeIds } = inputs;
  const [batch] = sizes(inputIds);
  const before = (tensor: tf.Tensor, first: tf.Tensor): tf.Tensor =>
    tf.concat([tf.cast(first, tensor.dtype), tensor], 1);
  const moved = positionIds && !isEncoder && tf.add(positionIds, tf.scalar(count, 'int32')); // [B, T]
  const first = tf.tile(tf.reshape(tf.range(0, count, 1, 'int32'), [1, count]), [batch, 1]); // [B, n]
  return {
    ...inputs,
    inputIds: before(inputIds, virtualRows(batch, count, vocabSize)), // [B, n + T]
    ...(attentionMask && { attentionMask: before(attentionMask, tf.ones([batch, count])) }),
    ...(moved && { positionIds: before(moved, first) }),
    ...(tokenTypeIds && { tokenTypeIds: before(tokenTypeIds, tf.zeros([batch, count])) }),
  };
}

/** An output without the positions of the virtual tokens, where it has one for each. */
function withoutVirtual(output: ForwardOutput, count: number, time: number): ForwardOutput {
  const cut = (tensor: tf.Tensor): tf.Tensor =>
    tensor.shape.length === 3 && tensor.shape[1] === count + time
      ? tf.slice(tensor, [0, count, 0], [tensor.shape[0], time, tensor.shape[2]!])
      : tensor;
  const { logits, hiddenStates } = output;
  return { ...output, logits: cut(logits), ...(hiddenStates && { hiddenStates: cut(hiddenStates) }) };
}

/**
 * The same architecture for a model whose token embedding is a {@link promptTable}: its virtual tokens stand before every
 * text, seen by all of it, and the outputs are those of the text alone. Of an encoder-decoder they stand before the
 * encoder's text. With a cache a decoder's ids stay as they are, and whoever fills it begins with `virtualIds`, as
 * `generate` does.
 *
 * As in PEFT, positions count the virtual tokens, token types give them 0, and a head that reads the first token (BERT's
 * sequence classifier) reads the first virtual one.
 *
 * @param architecture any architecture
 * @param count how many virtual tokens
 * @returns the architecture; the same one for the same arguments
 * @example
 * ```ts
 * import { gpt2, withVirtualTokens } from '@tesserae/core';
 * console.log(withVirtualTokens(gpt2, 8).virtualTokens); // → 8
 * ```
 */
export function withVirtualTokens<C extends ArchitectureConfig>(
  architecture: Architecture<C>,
  count: number,
): Architecture<C> {
  const counts = made.get(architecture) ?? new Map<number, Architecture<never>>();
  made.set(architecture, counts);
  const known = counts.get(count) as Architecture<C> | undefined;
  if (known) return known;
  const { encode } = architecture;
  const limit = (config: C): number => architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings;
  const own: Architecture<C> = {
    ...architecture,
    virtualTokens: count,
    packs: false,
    positionLimit: (config) => limit(config) - count,
    forward(params, inputs, options) {
      const isEncoder = encode !== undefined;
      if (inputs.sequenceIds)
        throw cannotPack(
          architecture.name,
          'virtual tokens stand before a row, not before each of its sequences',
          'give each sequence a row of its own',
        );
      if (inputs.cache && !isEncoder) return architecture.forward(params, inputs, options);
      return tidyForward(options.capture, () => {
        const output = architecture.forward(params, prepend(inputs, count, options.config, isEncoder), options);
        const decodes = isEncoder && options.config.head !== 'token-classification';
        return decodes ? output : withoutVirtual(output, count, sizes(inputs.inputIds)[1]);
      });
    },
    ...(encode && {
      encode: (params, inputs, options) =>
        tidyForward(options.capture, () => encode(params, prepend(inputs, count, options.config, true), options)),
    }),
  };
  counts.set(count, own as unknown as Architecture<never>);
  return own;
}

/**
 * The ids of a model's virtual tokens, which stand before every text: V, V + 1 …; none where it has none.
 *
 * @param model any model
 * @returns the ids
 * @example
 * ```ts
 * import { createModel, gpt2, virtualIds, withVirtualTokens } from '@tesserae/core';
 * import '@tensorflow/tfjs-backend-cpu';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * console.log(virtualIds({ ...model, architecture: withVirtualTokens(gpt2, 2) })); // → [ 11, 12 ]
 * ```
 */
export function virtualIds<C extends ArchitectureConfig>({ architecture, config }: Model<C>): number[] {
  return Array.from({ length: architecture.virtualTokens ?? 0 }, (_, i) => config.vocabSize + i);
}

/**
 * What an architecture multiplies token embeddings with: √D in Gemma's family and where `scaleEmbedding` says so, else 1.
 *
 * @param model any model
 * @returns the factor
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2, tokenEmbeddingScale } from '@tesserae/core';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * console.log(tokenEmbeddingScale(createModel(gpt2, config))); // → 1
 * ```
 */
export function tokenEmbeddingScale<C extends ArchitectureConfig>({ architecture, config }: Model<C>): number {
  const scales = /^gemma/.test(architecture.name) || (config as { scaleEmbedding?: boolean }).scaleEmbedding === true;
  return scales ? Math.sqrt(config.hiddenSize) : 1;
}
