import * as tf from '@tensorflow/tfjs-core';
import { project } from '../blocks/projection';
import type { Projection } from '../blocks/projection';
import { openReplays } from '../../memory/replay';
import { observe } from '../../model/capture';
import type {
  Architecture,
  ForwardInputs,
  ForwardOptions,
  ForwardOutput,
  OutputLayer,
  Params,
} from '../../model/types';
import { seedForms } from '../../model/forms/seedForms';
import { activation } from '../../nn/activation';
import { embed } from '../../nn/embed';
import { linear } from '../../nn/linear';
import { requireShape, requireTensor, sizes } from '../../nn/shapes';
import { drops, recomputed, requireParams, tidyForward } from '../forwardContext';
import { outputLayer } from '../heads/outputLayer';
import { packedSequences } from '../packedSequences';
import { normalize } from './blocks';
import type { NormParams, TableParams } from './blocks';
import { encoderParameters } from './encoderParameters';
import type { EncoderConfig, EncoderNames } from './encoderParameters';
import { firstPosition } from './heads';
import { postNormLayer } from './postNormLayer';
import type { PostNormWeights } from './postNormLayer';
import { openStack } from './stack';
import type { Stack } from './stack';

interface EncoderParams {
  readonly tokenEmbedding: TableParams; // [V, D]
  readonly positionEmbedding: TableParams; // [maxPositionEmbeddings, D]
  readonly tokenTypeEmbedding?: TableParams; // [typeVocabSize, D]
  readonly embeddingNorm: NormParams;
  readonly layers: readonly PostNormWeights[];
  readonly pooler?: Projection; // [D, D]
  readonly languageHead?: { readonly dense: Projection; readonly norm: NormParams; readonly bias: tf.Tensor };
  readonly outputEmbedding?: TableParams; // [V, D]
  readonly classifier?: { readonly dense?: Projection; readonly output: Projection };
  readonly span?: Projection; // [2, D]
}

/** How much is dropped where, and what stands between the matrices of heads. */
export interface EncoderSettings {
  readonly epsilon: number;
  readonly hiddenDropout: number;
  readonly attendedDropout: number;
  readonly attentionDropout: number;
  /** Activation within the language head. */
  readonly languageAct: string;
  /** Activation between the two matrices of the sequence classifier. */
  readonly classifierAct: string;
  /** Whether the sequence classifier drops before its first matrix too. */
  readonly dropsFirst: boolean;
  readonly sequenceDropout: number;
  readonly tokenDropout: number;
  readonly spanDropout: number;
}

/** What tells one encoder from another. */
export interface EncoderFamily<C extends EncoderConfig> extends Required<
  Pick<Architecture<C>, 'name' | 'configure' | 'positionLimit'>
> {
  readonly names: EncoderNames;
  settings(config: C): EncoderSettings;
  /** Rows of the position table, when not 0, 1, 2 …: int32 [B, T]. */
  positions?(ids: tf.Tensor, stack: Stack, config: C): tf.Tensor;
  /** An id of the position table whose row takes no gradient. */
  positionPadding?(config: C): number | undefined;
}

/** Makes an architecture of embeddings, layers that look both ways, and a head. */
export function defineEncoder<C extends EncoderConfig>(family: EncoderFamily<C>): Architecture<C> {
  const { name, configure, positionLimit } = family;
  const parameters = (config: C) => encoderParameters(config, family.names, family.positionPadding?.(config));
  return {
    name,
    configure,
    parameters,
    positionLimit,
    cacheShape: ({ isDecoder, numHiddenLayers, numAttentionHeads: heads, hiddenSize }) => ({
      layers: isDecoder ? numHiddenLayers : 0, // what looks both ways has no cache
      heads,
      headDim: hiddenSize / heads,
    }),
    postNorm: true,
    recomputes: true,
    packs: true,
    forward(params: Params, inputs: ForwardInputs, options: ForwardOptions<C>) {
      requireParams(name, params, parameters(options.config));
      const seeded = seedForms(params, options) as unknown as EncoderParams;
      return tidyForward(options.capture, () => run(family, seeded, inputs, options));
    },
  };
}

function run<C extends EncoderConfig>(
  family: EncoderFamily<C>,
  params: EncoderParams,
  inputs: ForwardInputs,
  options: ForwardOptions<C>,
): ForwardOutput {
  const { config, capture } = options;
  const { inputIds: ids, attentionMask: mask, positionIds, cache } = inputs;
  const replays = openReplays(recomputed(options));
  const next = drops({ ...options, key: replays.hold(options.key) }, replays.sites);
  const settings = family.settings(config);
  const stack = openStack({
    name: family.name,
    prefix: '',
    ids,
    idsName: 'inputIds',
    mask,
    maskName: 'attentionMask',
    positionIds,
    packed: packedSequences(family.name, inputs, config),
    causal: config.isDecoder,
    cache,
    cacheLayers: config.isDecoder ? config.numHiddenLayers : 0,
    limit: family.positionLimit(config),
    capture,
    next,
    replays,
  });
  let x = embedAll(family, params, inputs, stack, config, settings); // [B, T, D]
  const layer = {
    ...settings,
    heads: config.numAttentionHeads,
    hiddenAct: config.hiddenAct,
    activationDropout: 0,
    feedForwardDropout: settings.hiddenDropout,
  };
  params.layers.forEach((weights, index) => {
    x = stack.replay('blocks', x, weights, (value, tree) => postNormLayer(value, tree, index, stack, layer)); // [B, T, D]
  });
  const pooler = inputs.sequenceIds ? undefined : params.pooler; // several sequences have no one vector
  const pooled = pooler && stack.observe('pooler', tf.tanh(project(firstPosition(x), pooler))); // [B, D]
  const written = stack.written();
  const output = { hiddenStates: x, ...(pooled && { pooled }), ...(written && { cache: written }) };
  if (params.languageHead && options.logits === 'none') {
    const logits = languageHidden(params, x, settings);
    return { ...output, logits, outputLayer: languageOutput(params, config) };
  }
  return { ...output, logits: observe(capture, 'logits', headLogits(params, x, pooled, stack, options, settings)) };
}

/** Tokens, positions and segments, summed and normed: [B, T] → [B, T, D]. */
function embedAll<C extends EncoderConfig>(
  family: EncoderFamily<C>,
  params: EncoderParams,
  { inputIds: ids, positionIds, tokenTypeIds }: ForwardInputs,
  stack: Stack,
  config: C,
  { epsilon, hiddenDropout }: EncoderSettings,
): tf.Tensor {
  const tokens = embed(ids, params.tokenEmbedding.weight, { paddingId: config.padTokenId ?? undefined }); // [B, T, D]
  const places = positionIds ?? family.positions?.(ids, stack, config) ?? stack.positions; // [T] or [B, T]
  const positions = embed(places, params.positionEmbedding.weight, { paddingId: family.positionPadding?.(config) });
  let x = tf.add(tokens, positions);
  if (params.tokenTypeEmbedding) {
    if (tokenTypeIds) {
      requireTensor(family.name, 'tokenTypeIds', tokenTypeIds, ['int32']);
      requireShape(family.name, 'tokenTypeIds', tokenTypeIds, sizes(ids), 'batch, time');
    }
    const types = tokenTypeIds ?? tf.zeros([stack.time], 'int32');
    x = tf.add(x, embed(types, params.tokenTypeEmbedding.weight)); // [B, T, D]
  }
  return stack.observe('embeddings', stack.drop(normalize(x, params.embeddingNorm, epsilon), hiddenDropout));
}

/** What the output layer of a language model reads: [B, T, D] → [B, T, D]. */
function languageHidden({ languageHead }: EncoderParams, x: tf.Tensor, settings: EncoderSettings): tf.Tensor {
  const { dense, norm } = languageHead!;
  return normalize(activation(settings.languageAct)(project(x, dense)), norm, settings.epsilon);
}

const languageOutput = (
  { languageHead, outputEmbedding, tokenEmbedding }: EncoderParams,
  { vocabSize }: EncoderConfig,
): OutputLayer =>
  outputLayer({ ...(outputEmbedding ?? tokenEmbedding), bias: languageHead!.bias }, vocabSize, (hidden, layer) =>
    linear(hidden, layer.weight, { bias: layer.bias }),
  );

/** What stands on the body, by the head. */
function headLogits<C extends EncoderConfig>(
  params: EncoderParams,
  x: tf.Tensor, // [B, T, D]
  pooled: tf.Tensor | undefined, // [B, D]
  stack: Stack,
  { config, logits }: ForwardOptions<C>,
  settings: EncoderSettings,
): tf.Tensor {
  const { classifier } = params;
  switch (config.head) {
    case 'masked-lm':
    case 'causal-lm': {
      const kept = logits === 'last' ? tf.slice(x, [0, stack.time - 1, 0], [stack.batch, 1, sizes(x)[2]]) : x;
      const output = languageOutput(params, config);
      return output.logits(languageHidden(params, kept, settings), output.parameters); // [B, T, V]
    }
    case 'sequence-classification': {
      const { dense, output } = classifier!;
      const first = pooled ?? firstPosition(x); // [B, D]
      const dropped = settings.dropsFirst ? stack.drop(first, settings.sequenceDropout) : first;
      const turned = dense ? activation(settings.classifierAct)(project(dropped, dense)) : dropped;
      return project(stack.drop(turned, settings.sequenceDropout), output); // [B, numLabels]
    }
    case 'token-classification':
      return project(stack.drop(x, settings.tokenDropout), classifier!.output); // [B, T, numLabels]
    case 'question-answering':
      return project(stack.drop(x, settings.spanDropout), params.span!); // [B, T, 2]
    default:
      return x;
  }
}
