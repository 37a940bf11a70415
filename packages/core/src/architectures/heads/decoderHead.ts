import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureConfig, ModelHead, OutputLayer, ParameterSpec } from '../../model/types';
import type { Weight } from '../../model/weight';
import { linear } from '../../nn/linear';
import { sizes } from '../../nn/shapes';
import { outputLayer } from './outputLayer';
import { inOutputLayer } from '../../precision/precision';
import { parameterSpecs } from '../blocks/parameterSpecs';
import { project } from '../blocks/projection';
import type { Projection } from '../blocks/projection';
import { configError } from '../checkConfig';
import type { ForwardContext } from '../forwardContext';

/** What the heads of a decoder's config say. */
export interface DecoderHeadConfig extends ArchitectureConfig {
  readonly initializerRange: number;
  /** `tie_word_embeddings`: the output uses the token embedding. */
  readonly tieWordEmbeddings: boolean;
  /** `classifier_dropout`: of a token classifier; 0.1 when absent. */
  readonly classifierDropout?: number | undefined;
}

/** What a decoder's heads are called in checkpoints. */
export interface DecoderHeadNames {
  readonly causalLm: string;
  readonly sequenceClassification: string;
  readonly tokenClassification: string;
  readonly questionAnswering: string;
}

/** The weights of heads. */
export interface DecoderHeadParams {
  readonly tokenEmbedding: { readonly weight: Weight }; // [V, D]
  readonly outputEmbedding?: { readonly weight: Weight }; // [V, D]
  readonly classifier?: Projection; // [numLabels, D]
}

/** The heads that a decoder can have. */
export const decoderHeads: readonly ModelHead[] = [
  'causal-lm',
  'sequence-classification',
  'token-classification',
  'question-answering',
  'none',
];

/** The usual names: those of Llama and most others. */
export const usualHeadNames: DecoderHeadNames = {
  causalLm: 'lm_head',
  sequenceClassification: 'score',
  tokenClassification: 'score',
  questionAnswering: 'qa_outputs',
};

/** The head of a decoder: a language model unless the config says otherwise. */
export function decoderHead({ head = 'causal-lm' }: Pick<ArchitectureConfig, 'head'>): ModelHead {
  return head;
}

/** Checks head and labels; `known` are the heads that the architecture has. */
export function checkDecoderHead(name: string, config: DecoderHeadConfig, known: readonly ModelHead[]): void {
  const { numLabels = 2, classifierDropout = 0.1 } = config;
  if (!known.includes(decoderHead(config))) {
    throw configError(name, `the head '${String(config.head)}' is unknown`, `use one of ${known.join(', ')}`);
  }
  if (!Number.isInteger(numLabels) || numLabels < 1) {
    throw configError(name, `numLabels is ${String(numLabels)}`, 'use a whole number from 1 up');
  }
  if (!(classifierDropout >= 0 && classifierDropout < 1)) {
    throw configError(name, `classifierDropout is ${String(classifierDropout)}`, 'use a number from 0 to below 1');
  }
}

/** The parameters of the head: [numLabels, D] or the like, last of all. */
export function decoderHeadParameters(config: DecoderHeadConfig, names: DecoderHeadNames): ParameterSpec[] {
  const { hiddenSize: D, vocabSize: V, numLabels = 2, tieWordEmbeddings, initializerRange } = config;
  const make = parameterSpecs(initializerRange);
  switch (decoderHead(config)) {
    case 'causal-lm':
      return tieWordEmbeddings ? [] : [make.matrix('outputEmbedding', names.causalLm, [V, D])];
    case 'sequence-classification':
      return make.projection('classifier', names.sequenceClassification, [numLabels, D], false);
    case 'token-classification':
      return make.projection('classifier', names.tokenClassification, [numLabels, D], true);
    case 'question-answering':
      return make.projection('classifier', names.questionAnswering, [2, D], true);
    default:
      return [];
  }
}

/** Final hidden states [B, T, D] → what the head makes of them, see `ForwardOutput.logits`. */
export function applyDecoderHead(
  name: string,
  hidden: tf.Tensor,
  params: DecoderHeadParams,
  config: DecoderHeadConfig,
  inputIds: tf.Tensor,
  context: ForwardContext,
): tf.Tensor {
  const { tokenEmbedding, outputEmbedding, classifier } = params;
  switch (decoderHead(config)) {
    case 'causal-lm':
      return inOutputLayer(() =>
        linear(context.positionsForLogits(hidden), (outputEmbedding ?? tokenEmbedding).weight),
      ); // [B, T, V]
    case 'sequence-classification':
      return project(lastTokens(name, hidden, inputIds, config), classifier!); // [B, numLabels]
    case 'token-classification':
      return project(context.drop(hidden, config.classifierDropout ?? 0.1), classifier!); // [B, T, numLabels]
    case 'question-answering':
      return project(hidden, classifier!); // [B, T, 2]
    default:
      return hidden;
  }
}

/** The output layer of a language model by itself; `finish` is what the architecture does to logits. */
export function decoderOutputLayer(
  { tokenEmbedding, outputEmbedding }: DecoderHeadParams,
  { vocabSize }: DecoderHeadConfig,
  finish: (logits: tf.Tensor) => tf.Tensor,
): OutputLayer {
  const { weight } = outputEmbedding ?? tokenEmbedding;
  return outputLayer(weight, vocabSize, (hidden, matrix) => finish(linear(hidden, matrix)));
}

/** Hidden states of the last token of each row that is no padding, as the ids say: [B, T, D] → [B, D]. */
function lastTokens(
  name: string,
  hidden: tf.Tensor,
  inputIds: tf.Tensor,
  { padTokenId }: DecoderHeadConfig,
): tf.Tensor {
  const [batch, time, width] = sizes(hidden);
  if (padTokenId === undefined || padTokenId === null) {
    if (batch > 1) {
      throw configError(name, `padTokenId is null, and ${batch} texts are to be classified`, 'give it, or one text');
    }
    return tf.reshape(tf.slice(hidden, [0, time - 1, 0], [batch, 1, width]), [batch, width]);
  }
  const real = tf.cast(tf.notEqual(inputIds, tf.scalar(padTokenId, 'int32')), 'int32'); // [B, T]
  const last = tf.max(tf.mul(tf.range(0, time, 1, 'int32'), real), 1); // [B]; 0 where all is padding
  const place = tf.add(last, tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(time, 'int32'))); // [B]
  return tf.gather(tf.reshape(hidden, [batch * time, width]), place as tf.Tensor1D); // [B, D]
}
