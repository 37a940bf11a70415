import type { Initialization, ParameterSpec } from '../model/types';
import { parameterSpecs } from './blocks/parameterSpecs';
import type { SpecMaker } from './blocks/parameterSpecs';
import { outputVocabulary } from './bartConfig';
import type { BartConfig } from './bartConfig';
import { attentionSpecs, postNormLayerSpecs } from './stacks/postNormLayer';
import type { PostNormNames } from './stacks/postNormLayer';

const names: PostNormNames = {
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.out_proj',
  attentionNorm: 'self_attn_layer_norm',
  up: 'fc1',
  down: 'fc2',
  feedForwardNorm: 'final_layer_norm',
};
const crossNames = { query: 'q_proj', key: 'k_proj', value: 'v_proj', output: 'out_proj' };

/** What BART has and Marian does not. */
export interface BartForm {
  /** Learned positions, and how many rows stand before the first; fixed sines when absent. */
  readonly positionOffset?: number;
  readonly embeddingNorm: boolean;
}

/** Every weight of the BART form with its name in a Hugging Face checkpoint; all matrices start alike. */
export function bartParameters(config: BartConfig, form: BartForm): ParameterSpec[] {
  const { hiddenSize: D, vocabSize: V, maxPositionEmbeddings, padTokenId, shareEmbeddings } = config;
  const make = parameterSpecs(config.initializerRange);
  const zeroRow = padTokenId ?? undefined;
  const tokens: Initialization = { kind: 'normal', standardDeviation: config.initializerRange, zeroRow };
  const outputs = outputVocabulary(config);
  const half = (part: 'encoder' | 'decoder', layers: number, inner: number): ParameterSpec[] => [
    ...(shareEmbeddings
      ? []
      : [
          make.matrix(
            `${part}.tokenEmbedding`,
            `model.${part}.embed_tokens`,
            [part === 'decoder' ? outputs : V, D],
            tokens,
          ),
        ]),
    ...(form.positionOffset === undefined
      ? []
      : [
          make.matrix(`${part}.positionEmbedding`, `model.${part}.embed_positions`, [
            maxPositionEmbeddings + form.positionOffset,
            D,
          ]),
        ]),
    ...(form.embeddingNorm ? make.layerNorm(`${part}.embeddingNorm`, `model.${part}.layernorm_embedding`, D) : []),
    ...Array.from({ length: layers }, (_, index) => {
      const [at, name] = [`${part}.layers.${index}`, `model.${part}.layers.${index}`];
      const cross = [
        ...attentionSpecs(`${at}.crossAttention`, `${name}.encoder_attn`, crossNames, D, make),
        ...make.layerNorm(`${at}.crossAttentionNorm`, `${name}.encoder_attn_layer_norm`, D),
      ];
      return postNormLayerSpecs(at, name, names, { width: D, inner }, make, part === 'decoder' ? cross : []);
    }).flat(),
  ];
  return [
    ...(shareEmbeddings ? [make.matrix('tokenEmbedding', 'model.shared', [V, D], tokens)] : []),
    ...half('encoder', config.numHiddenLayers, config.intermediateSize),
    ...half('decoder', config.numDecoderLayers, config.decoderIntermediateSize),
    ...headParameters(config, make, outputs),
  ];
}

function headParameters(config: BartConfig, make: SpecMaker, outputs: number): ParameterSpec[] {
  const { hiddenSize: D, numLabels } = config;
  switch (config.head) {
    case 'sequence-to-sequence':
      return [
        {
          path: 'logitsBias',
          checkpointName: 'final_logits_bias',
          shape: [1, outputs],
          initialization: { kind: 'zeros' },
          decay: false,
          trainable: false,
        },
        ...(config.tieWordEmbeddings ? [] : [make.matrix('outputEmbedding', 'lm_head', [outputs, D])]),
      ];
    case 'sequence-classification':
      return [
        ...make.projection('classifier.dense', 'classification_head.dense', [D, D], true),
        ...make.projection('classifier.output', 'classification_head.out_proj', [numLabels, D], true),
      ];
    case 'question-answering':
      return make.projection('span', 'qa_outputs', [2, D], true);
    default:
      return [];
  }
}
