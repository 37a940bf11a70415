import * as tf from '@tensorflow/tfjs-core';
import { project } from '../blocks/projection';
import type { Projection } from '../blocks/projection';
import { tesseraeError } from '@tesserae/registry';
import { openReplays } from '../../memory/replay';
import { observe } from '../../model/capture';
import type {
  Architecture,
  ArchitectureConfig,
  EncoderOutput,
  ForwardInputs,
  ForwardOptions,
  ForwardOutput,
  OutputLayer,
  Params,
} from '../../model/types';
import { seedForms } from '../../model/forms/seedForms';
import { requireShape, requireTensor, sizes } from '../../nn/shapes';

import type { AttentionParams, Encoded } from './blocks';
import { drops, recomputed, requireParams, tidyForward } from '../forwardContext';
import { cannotPack } from '../packedSequences';
import { lastEosPosition, pickPositions } from './heads';
import type { HeadConfig } from './heads';
import { shiftRight } from './shiftRight';
import { openStack, splitHeads } from './stack';
import type { Stack, StackInputs } from './stack';

/** What every config of an encoder-decoder has. */
export interface EncoderDecoderConfig extends ArchitectureConfig, HeadConfig {
  readonly head: HeadConfig['head'];
  readonly numLabels: number;
  readonly problemType: HeadConfig['problemType'];
  readonly classifierDropout: number;
}

/** The weights that the families share; the rest is their own. */
export interface EncoderDecoderParams {
  readonly encoder: object;
  /** Absent where the head reads the encoder alone. */
  readonly decoder?: { readonly layers: readonly { readonly crossAttention: AttentionParams }[] };
  readonly classifier?: { readonly dense?: Projection; readonly output: Projection };
  readonly span?: Projection; // [2, D]
}

/** What tells one encoder-decoder from another. */
export interface EncoderDecoderFamily<C extends EncoderDecoderConfig, P extends EncoderDecoderParams> extends Required<
  Pick<Architecture<C>, 'name' | 'configure' | 'parameters' | 'cacheShape' | 'positionLimit'>
> {
  readonly postNorm?: boolean;
  /** Heads whose decoder reads the encoder's text, one place to the right, when it is given none. */
  readonly shiftsInput: readonly HeadConfig['head'][];
  /** The encoder's hidden states, [B, S, D]. */
  encoder(params: P, ids: tf.Tensor, stack: Stack, config: C): tf.Tensor;
  /** The decoder's, [B, T, D]. */
  decoder(params: P, ids: tf.Tensor, stack: Stack, config: C, encoded: Encoded): tf.Tensor;
  /** What the output layer reads, where that is not the decoder's hidden states as they are: [B, T, D] → [B, T, D]. */
  beforeOutput?(hidden: tf.Tensor, config: C): tf.Tensor;
  /** Makes logits of the next token. */
  outputLayer(params: P, config: C): OutputLayer;
}

/** What both stacks of one pass share. */
type Pass = Pick<StackInputs, 'next' | 'replays'>;

function openPass<C>(options: ForwardOptions<C>): Pass {
  const replays = openReplays(recomputed(options));
  return { replays, next: drops({ ...options, key: replays.hold(options.key) }, replays.sites) };
}

/** Makes an architecture of an encoder, a decoder and what stands on them. */
export function defineEncoderDecoder<C extends EncoderDecoderConfig, P extends EncoderDecoderParams>(
  family: EncoderDecoderFamily<C, P>,
): Architecture<C> & Required<Pick<Architecture<C>, 'encode' | 'cacheShape' | 'positionLimit'>> {
  const { name, configure, parameters, cacheShape, positionLimit, postNorm } = family;
  const open = (params: Params, options: ForwardOptions<C>): P => {
    requireParams(name, params, parameters(options.config));
    return seedForms(params, options) as unknown as P;
  };
  return {
    name,
    configure,
    parameters,
    cacheShape,
    positionLimit,
    recomputes: true,
    ...(postNorm && { postNorm }),
    encode: (params, inputs, options) =>
      tidyForward(options.capture, () => encode(family, open(params, options), inputs, options, openPass(options))),
    forward: (params, inputs, options) =>
      tidyForward(options.capture, () => run(family, open(params, options), inputs, options)),
  };
}

/** The encoder with the keys and values that each layer of the decoder reads. */
function encode<C extends EncoderDecoderConfig, P extends EncoderDecoderParams>(
  family: EncoderDecoderFamily<C, P>,
  params: P,
  { inputIds: ids, attentionMask: mask, sequenceIds }: ForwardInputs,
  { config, capture }: ForwardOptions<C>,
  pass: Pass,
): EncoderOutput {
  refusePacking(family.name, sequenceIds);
  const names = { name: family.name, prefix: 'encoder.', idsName: 'inputIds', maskName: 'attentionMask' };
  const limit = family.positionLimit(config);
  const stack = openStack({ ...names, ids, mask, causal: false, cacheLayers: 0, limit, capture, ...pass });
  const hiddenStates = family.encoder(params, ids, stack, config); // [B, S, D]
  const { heads } = family.cacheShape(config);
  const cross = (params.decoder?.layers ?? []).map(({ crossAttention }) => crossAttention);
  const split = (one: Projection): tf.Tensor => splitHeads(project(hiddenStates, one), heads); // [B, H, S, E]
  return { hiddenStates, keys: cross.map(({ key }) => split(key)), values: cross.map(({ value }) => split(value)) };
}

function run<C extends EncoderDecoderConfig, P extends EncoderDecoderParams>(
  family: EncoderDecoderFamily<C, P>,
  params: P,
  inputs: ForwardInputs,
  options: ForwardOptions<C>,
): ForwardOutput {
  const { config, capture } = options;
  refusePacking(family.name, inputs.sequenceIds);
  const pass = openPass(options);
  const { next } = pass;
  const encoder = inputs.encoder ?? encode(family, params, inputs, options, pass);
  const drop = (value: tf.Tensor): tf.Tensor => next(config.classifierDropout)?.(value) ?? value;
  const finish = (hidden: tf.Tensor): ForwardOutput => {
    if (config.head === 'sequence-to-sequence' && options.logits === 'none') {
      const logits = family.beforeOutput?.(hidden, config) ?? hidden;
      return { logits, hiddenStates: hidden, outputLayer: family.outputLayer(params, config) };
    }
    const logits = headLogits(family, params, hidden, inputs.inputIds, options, drop);
    return { logits: observe(capture, 'logits', logits), hiddenStates: hidden };
  };
  if (!params.decoder) return finish(encoder.hiddenStates);

  const ids = decoderIds(family, inputs, config);
  const { attentionMask: mask, decoderAttentionMask, positionIds, cache } = inputs;
  checkEncoded(family, encoder, mask, config, sizes(ids)[0]);
  const stack = openStack({
    name: family.name,
    prefix: 'decoder.',
    ids,
    idsName: 'decoderInputIds',
    mask: decoderAttentionMask,
    maskName: 'decoderAttentionMask',
    otherMask: mask,
    positionIds,
    causal: true,
    cache,
    cacheLayers: family.cacheShape(config).layers,
    limit: family.positionLimit(config),
    capture,
    ...pass,
  });
  const output = finish(family.decoder(params, ids, stack, config, encoder));
  return cache ? { ...output, cache: stack.written() } : output;
}

function refusePacking(name: string, sequenceIds: tf.Tensor | undefined): void {
  if (sequenceIds === undefined) return;
  throw cannotPack(name, 'an encoder-decoder takes one sequence a row', 'give each sequence a row of its own');
}

/** What stands on the body, by the head. */
function headLogits<C extends EncoderDecoderConfig, P extends EncoderDecoderParams>(
  family: EncoderDecoderFamily<C, P>,
  params: P,
  hidden: tf.Tensor, // [B, T, D]
  inputIds: tf.Tensor, // [B, S]
  { config, logits }: ForwardOptions<C>,
  drop: (value: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const [batch, time, width] = sizes(hidden);
  switch (config.head) {
    case 'sequence-to-sequence': {
      const kept = logits === 'last' ? tf.slice(hidden, [0, time - 1, 0], [batch, 1, width]) : hidden;
      const output = family.outputLayer(params, config);
      return output.logits(family.beforeOutput?.(kept, config) ?? kept, output.parameters); // [B, T or 1, V]
    }
    case 'sequence-classification': {
      const { dense, output } = params.classifier!;
      const sentence = pickPositions(hidden, lastEosPosition(family.name, inputIds, config)); // [B, D]
      return project(drop(tf.tanh(project(drop(sentence), dense!))), output); // [B, numLabels]
    }
    case 'token-classification':
      return project(drop(hidden), params.classifier!.output); // [B, S, numLabels]
    case 'question-answering':
      return project(hidden, params.span!); // [B, T, 2]
    default:
      return hidden;
  }
}

/** The decoder's ids: those given, or the encoder's moved one place to the right where the head allows it. */
function decoderIds<C extends EncoderDecoderConfig, P extends EncoderDecoderParams>(
  { name, shiftsInput }: EncoderDecoderFamily<C, P>,
  { inputIds, decoderInputIds, cache }: ForwardInputs,
  { head, decoderStartTokenId: start, padTokenId: pad }: C,
): tf.Tensor {
  if (decoderInputIds) return decoderInputIds;
  if (shiftsInput.includes(head) && !cache && typeof start === 'number' && typeof pad === 'number')
    return shiftRight(inputIds, { start, pad });
  throw tesseraeError({
    package: 'core',
    code: 'E_DECODER_INPUT',
    message: `${name}: decoderInputIds are missing`,
    fix: 'give the ids that the decoder has so far, or the labels moved one place by shiftRight',
  });
}

/** Checks an encoder's output, and its mask, against what the decoder needs. */
function checkEncoded<C extends EncoderDecoderConfig, P extends EncoderDecoderParams>(
  { name, cacheShape }: EncoderDecoderFamily<C, P>,
  { hiddenStates, keys, values }: EncoderOutput,
  mask: tf.Tensor | undefined,
  config: C,
  batch: number,
): void {
  requireTensor(name, 'encoder.hiddenStates', hiddenStates);
  const shape = [batch, null, config.hiddenSize];
  requireShape(name, 'encoder.hiddenStates', hiddenStates, shape, 'batch of the decoder, source, width');
  const { layers } = cacheShape(config);
  if (keys.length !== layers || values.length !== layers) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CACHE',
      message: `${name}: keys of ${keys.length} layers for a decoder of ${layers}`,
      fix: "use the output of this architecture's encode with this config",
    });
  }
  if (!mask) return;
  requireTensor(name, 'attentionMask', mask, ['int32', 'bool', 'float32']);
  requireShape(name, 'attentionMask', mask, [batch, sizes(hiddenStates)[1]], 'batch, source');
}
