import type { DecoderHeadConfig, LayerType, RotaryDecoderConfig } from '@tesserae/core';
import { fieldError } from './fields';
import type { Fields } from './fields';
import { readActivation, refuseForeignFields } from './form';
import { readHeadFields, writeHeadFields } from './head-fields';
import type { HeadClasses } from './head-fields';
import { readRope, writeRope } from './rope-fields';
import type { RopeFields } from './rope-fields';

/** Where the classes of Llama-like families differ; beside each Llama's. */
export interface RotaryDefaults {
  readonly vocabSize?: number;
  readonly hiddenSize?: number;
  readonly intermediateSize?: number;
  readonly numHiddenLayers?: number;
  readonly numAttentionHeads?: number;
  /** As many as `numAttentionHeads` when absent. */
  readonly numKeyValueHeads?: number;
  /** `hidden_size / num_attention_heads` when absent. */
  readonly headDim?: number;
  readonly maxPositionEmbeddings?: number;
  readonly activationField?: string;
  readonly hiddenAct?: string;
  readonly rmsNormEpsilon?: number;
  readonly ropeTheta?: number;
  /** Reads rotary embeddings in another way than most. */
  readonly readRope?: (fields: Fields, maxPositions: number, what: string, theta?: number) => RopeFields;
  readonly tieWordEmbeddings?: boolean;
  readonly bosTokenId?: number | null;
  readonly eosTokenId?: number | null;
  readonly padTokenId?: number | null;
}

const rate = (fields: Fields, name: string): number =>
  fields.number(name, 0, 'a number from 0 to below 1', (x) => x >= 0 && x < 1);

/** `classifier_dropout`, or else the hidden dropout, as transformers chooses for a token classifier. */
export function readClassifierDropout(fields: Fields): { classifierDropout?: number } {
  const name = ['classifier_dropout', 'hidden_dropout'].find((one) => fields.has(one));
  return name === undefined ? {} : { classifierDropout: rate(fields, name) };
}

/** The opposite of {@link readClassifierDropout}. */
export function writeClassifierDropout({ classifierDropout }: DecoderHeadConfig): { classifier_dropout?: number } {
  return classifierDropout === undefined ? {} : { classifier_dropout: classifierDropout };
}

/**
 * Reads what all Llama-like configs have. `num_key_value_heads: null` stands for as many as there are heads.
 *
 * @param classes the family's classes and their heads
 * @param defaults the defaults of its Hugging Face class
 */
export function readRotaryDecoder(
  fields: Fields,
  what: string,
  classes: HeadClasses,
  defaults: RotaryDefaults = {},
): RotaryDecoderConfig {
  refuseForeignFields(fields);
  const maxPositionEmbeddings = fields.count('max_position_embeddings', defaults.maxPositionEmbeddings ?? 2048);
  const numAttentionHeads = fields.count('num_attention_heads', defaults.numAttentionHeads ?? 32);
  const hiddenSize = fields.count('hidden_size', defaults.hiddenSize ?? 4096);
  const keyValueHeads = fields.isNull('num_key_value_heads') ? undefined : defaults.numKeyValueHeads;
  const rope = (defaults.readRope ?? readRope)(fields, maxPositionEmbeddings, what, defaults.ropeTheta);
  const { bosTokenId = 1, eosTokenId = 2, padTokenId = null, activationField = 'hidden_act' } = defaults;
  return {
    vocabSize: fields.count('vocab_size', defaults.vocabSize ?? 32000),
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', defaults.intermediateSize ?? 11008),
    numHiddenLayers: fields.count('num_hidden_layers', defaults.numHiddenLayers ?? 32),
    numAttentionHeads,
    numKeyValueHeads: fields.count('num_key_value_heads', keyValueHeads ?? numAttentionHeads),
    headDim: fields.count('head_dim', defaults.headDim ?? Math.floor(hiddenSize / numAttentionHeads)),
    maxPositionEmbeddings,
    hiddenAct: readActivation(fields, activationField, defaults.hiddenAct ?? 'silu', what),
    rmsNormEpsilon: fields.number('rms_norm_eps', defaults.rmsNormEpsilon ?? 1e-6, 'a number from 0 up', (x) => x >= 0),
    ...rope,
    attentionDropout: rate(fields, 'attention_dropout'),
    initializerRange: fields.number('initializer_range', 0.02, 'a number from 0 up', (x) => x >= 0),
    tieWordEmbeddings: fields.boolean('tie_word_embeddings', defaults.tieWordEmbeddings ?? false),
    bosTokenId: fields.tokenId('bos_token_id', bosTokenId),
    eosTokenId: fields.tokenIds('eos_token_id', eosTokenId),
    padTokenId: fields.tokenId('pad_token_id', padTokenId),
    ...readHeadFields(fields, classes, what),
    ...readClassifierDropout(fields),
  };
}

/** The opposite of {@link readRotaryDecoder}. */
export function writeRotaryDecoder(
  config: RotaryDecoderConfig,
  newForm: boolean,
  activationField = 'hidden_act',
): Record<string, unknown> {
  return {
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    max_position_embeddings: config.maxPositionEmbeddings,
    [activationField]: config.hiddenAct,
    rms_norm_eps: config.rmsNormEpsilon,
    ...writeRope(config, newForm),
    attention_dropout: config.attentionDropout,
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    ...writeHeadFields(config),
    ...writeClassifierDropout(config),
  };
}

const types: readonly unknown[] = ['full_attention', 'sliding_attention'];

/** Reads `layer_types`, one a layer; nothing when absent. */
export function readLayerTypes(fields: Fields, what: string, layers: number): LayerType[] | undefined {
  const value = fields.raw('layer_types');
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length === layers && value.every((one) => types.includes(one))) {
    return value as LayerType[];
  }
  throw fieldError(what, 'layer_types', value, `full_attention or sliding_attention for each of ${layers} layers`);
}

/** Reads `sliding_window`; refuses a window that is absent where layers are to have one. */
export function readWindow(fields: Fields, usual: number | null, what: string, needed: boolean): number | null {
  const window = fields.isNull('sliding_window') ? null : (fields.optionalCount('sliding_window') ?? usual);
  if (needed && window === null)
    throw fieldError(what, 'sliding_window', null, 'a number: layer_types names sliding layers');
  return window;
}
