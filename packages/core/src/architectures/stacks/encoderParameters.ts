import type { ArchitectureConfig, Initialization, ModelHead, ParameterSpec } from '../../model/types';
import { activation } from '../../nn/activation';
import { parameterSpecs } from '../blocks/parameterSpecs';
import type { SpecMaker } from '../blocks/parameterSpecs';
import { configError, requireCounts, requireRange } from '../checkConfig';
import { checkHead } from './heads';
import type { HeadConfig } from './heads';
import { postNormLayerSpecs } from './postNormLayer';
import type { PostNormNames } from './postNormLayer';

/** What the configs of encoders share; beside each field its name in config.json of BERT. */
export interface EncoderConfig extends ArchitectureConfig, HeadConfig {
  readonly head: HeadConfig['head'];
  readonly numLabels: number;
  readonly problemType: HeadConfig['problemType'];
  /** `intermediate_size` */
  readonly intermediateSize: number;
  /** `hidden_act` */
  readonly hiddenAct: string;
  /** `initializer_range` */
  readonly initializerRange: number;
  /** `tie_word_embeddings`: the language head uses the token embedding. */
  readonly tieWordEmbeddings: boolean;
  /** `is_decoder`: each token sees only those before it. */
  readonly isDecoder: boolean;
  /** `type_vocab_size`: how many texts a sequence can tell apart; 0 for none. */
  readonly typeVocabSize: number;
  /** Whether a body alone ends in a matrix on its first token, as next-sentence prediction once trained it. */
  readonly pooler: boolean;
}

/** What the parts of an encoder are called in a family's checkpoints. */
export interface EncoderNames {
  readonly tokenEmbedding: string;
  readonly positionEmbedding: string;
  readonly tokenTypeEmbedding: string;
  readonly embeddingNorm: string;
  /** Before a layer's number. */
  readonly layers: string;
  readonly layer: PostNormNames;
  /** Absent where the family has none; `inClassifier` when the sequence classifier reads it. */
  readonly pooler?: { readonly name: string; readonly inClassifier: boolean };
  readonly languageHead: {
    readonly dense: string;
    readonly norm: string;
    /** Holds the bias of a tied output. */
    readonly bias: string;
    /** Matrix and bias of an output of its own. */
    readonly output: string;
  };
  /** The first matrix of a sequence classifier that has two. */
  readonly classifierDense?: string;
  readonly sequenceOutput: string;
  readonly tokenOutput: string;
  readonly span: string;
}

/** Every weight of an encoder and its head, with its name in a Hugging Face checkpoint. */
export function encoderParameters(
  config: EncoderConfig & { readonly sinusoidalPositions?: boolean },
  names: EncoderNames,
  positionPadding: number | undefined,
): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, intermediateSize: F, typeVocabSize, maxPositionEmbeddings } = config;
  const make = parameterSpecs(config.initializerRange);
  const table = (zeroRow: number | null | undefined): Initialization => ({
    kind: 'normal',
    standardDeviation: config.initializerRange,
    zeroRow: zeroRow ?? undefined,
  });
  const positions = make.matrix(
    'positionEmbedding',
    names.positionEmbedding,
    [maxPositionEmbeddings, D],
    config.sinusoidalPositions ? { kind: 'sinusoidal', interleaved: true } : table(positionPadding),
  );
  return [
    make.matrix('tokenEmbedding', names.tokenEmbedding, [V, D], table(config.padTokenId)),
    config.sinusoidalPositions ? { ...positions, decay: false, trainable: false } : positions,
    ...(typeVocabSize > 0 ? [make.matrix('tokenTypeEmbedding', names.tokenTypeEmbedding, [typeVocabSize, D])] : []),
    ...make.layerNorm('embeddingNorm', names.embeddingNorm, D),
    ...Array.from({ length: config.numHiddenLayers }, (_, index) =>
      postNormLayerSpecs(`layers.${index}`, `${names.layers}.${index}`, names.layer, { width: D, inner: F }, make),
    ).flat(),
    ...headParameters(config, names, make),
  ];
}

function headParameters(config: EncoderConfig, names: EncoderNames, make: SpecMaker): ParameterSpec[] {
  const { hiddenSize: D, vocabSize: V, numLabels, head, tieWordEmbeddings } = config;
  const { languageHead, classifierDense, pooler } = names;
  switch (head) {
    case 'masked-lm':
    case 'causal-lm':
      return [
        ...make.projection('languageHead.dense', languageHead.dense, [D, D], true),
        ...make.layerNorm('languageHead.norm', languageHead.norm, D),
        make.bias('languageHead', tieWordEmbeddings ? languageHead.bias : languageHead.output, V),
        ...(tieWordEmbeddings ? [] : [make.matrix('outputEmbedding', languageHead.output, [V, D])]),
      ];
    case 'sequence-classification':
      return [
        ...(pooler?.inClassifier ? make.projection('pooler', pooler.name, [D, D], true) : []),
        ...(classifierDense ? make.projection('classifier.dense', classifierDense, [D, D], true) : []),
        ...make.projection('classifier.output', names.sequenceOutput, [numLabels, D], true),
      ];
    case 'token-classification':
      return make.projection('classifier.output', names.tokenOutput, [numLabels, D], true);
    case 'question-answering':
      return make.projection('span', names.span, [2, D], true);
    default:
      return pooler && config.pooler ? make.projection('pooler', pooler.name, [D, D], true) : [];
  }
}

/** Checks what all encoders' configs have. */
export function checkEncoder(name: string, config: EncoderConfig, heads: readonly ModelHead[]): void {
  requireCounts(name, config, [
    'vocabSize',
    'hiddenSize',
    'intermediateSize',
    'numHiddenLayers',
    'numAttentionHeads',
    'maxPositionEmbeddings',
  ]);
  requireRange(name, config, ['initializerRange'], 0, Infinity);
  checkHead(name, config, heads);
  activation(config.hiddenAct);
  const { hiddenSize, numAttentionHeads, padTokenId: pad, vocabSize } = config;
  if (hiddenSize % numAttentionHeads !== 0) {
    throw configError(
      name,
      `${numAttentionHeads} heads do not divide the width ${hiddenSize}`,
      `use a width that is a multiple of ${numAttentionHeads}`,
    );
  }
  if (typeof pad === 'number' && !(pad >= 0 && pad < vocabSize))
    throw configError(name, `padTokenId is ${pad}`, `use an id below ${vocabSize}, or null`);
  if (config.head === 'causal-lm' && !config.isDecoder)
    throw configError(
      name,
      "the head 'causal-lm' without isDecoder",
      'set isDecoder: each token then sees those before it',
    );
}

/** The heads of an encoder. */
export const encoderHeads: readonly ModelHead[] = [
  'masked-lm',
  'sequence-classification',
  'token-classification',
  'question-answering',
  'none',
];
