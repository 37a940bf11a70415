import type { Initialization, ParameterSpec } from '../model/types';
import { parameterSpecs } from './blocks/parameterSpecs';
import { t5DecoderLayers } from './t5Config';
import type { T5Config } from './t5Config';

/**
 * Every weight of the T5 form with its name in a Hugging Face checkpoint. Matrices start as in Mesh TensorFlow: the
 * narrower their input, the larger, and queries smaller by √headDim, in place of a scale in attention.
 */
export function t5Parameters(config: T5Config): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, intermediateSize: F, headDim: E, numAttentionHeads: H, head } = config;
  const factor = config.initializerFactor;
  const drawn = (fan: number): Initialization => ({ kind: 'normal', standardDeviation: factor * fan ** -0.5 });
  const make = parameterSpecs(factor);
  const classifies = head === 'sequence-classification' || head === 'token-classification';
  const body = classifies ? 'transformer.' : '';
  const scale = (path: string, name: string): ParameterSpec => ({
    ...make.norm(path, name, D),
    initialization: { kind: 'constant', value: factor },
  });

  const attention = (path: string, name: string): ParameterSpec[] => [
    make.matrix(`${path}.query`, `${name}.q`, [H * E, D], drawn(D * E)),
    make.matrix(`${path}.key`, `${name}.k`, [H * E, D], drawn(D)),
    make.matrix(`${path}.value`, `${name}.v`, [H * E, D], drawn(D)),
    make.matrix(`${path}.output`, `${name}.o`, [D, H * E], drawn(H * E)),
  ];
  const feedForward = (path: string, name: string): ParameterSpec[] => [
    ...(config.gatedFeedForward
      ? [
          make.matrix(`${path}.gate`, `${name}.wi_0`, [F, D], drawn(D)),
          make.matrix(`${path}.up`, `${name}.wi_1`, [F, D], drawn(D)),
        ]
      : [make.matrix(`${path}.up`, `${name}.wi`, [F, D], drawn(D))]),
    make.matrix(`${path}.down`, `${name}.wo`, [D, F], drawn(F)),
  ];
  const stack = (part: 'encoder' | 'decoder', layers: number): ParameterSpec[] => [
    make.matrix(
      `${part}.relativePosition`,
      `${body}${part}.block.0.layer.0.SelfAttention.relative_attention_bias`,
      [config.relativeAttentionBuckets, H],
      drawn(D),
    ),
    ...Array.from({ length: layers }, (_, index) => {
      const [at, name] = [`${part}.layers.${index}`, `${body}${part}.block.${index}.layer`];
      const last = part === 'decoder' ? 2 : 1;
      return [
        scale(`${at}.attentionNorm`, `${name}.0.layer_norm`),
        ...attention(`${at}.attention`, `${name}.0.SelfAttention`),
        ...(part === 'decoder'
          ? [
              scale(`${at}.crossAttentionNorm`, `${name}.1.layer_norm`),
              ...attention(`${at}.crossAttention`, `${name}.1.EncDecAttention`),
            ]
          : []),
        scale(`${at}.feedForwardNorm`, `${name}.${last}.layer_norm`),
        ...feedForward(`${at}.feedForward`, `${name}.${last}.DenseReluDense`),
      ];
    }).flat(),
    scale(`${part}.finalNorm`, `${body}${part}.final_layer_norm`),
  ];

  const decoderLayers = t5DecoderLayers(config);
  return [
    make.matrix('tokenEmbedding', `${body}shared`, [V, D]),
    ...stack('encoder', config.numHiddenLayers),
    ...(decoderLayers > 0 ? stack('decoder', decoderLayers) : []),
    ...headParameters(config, drawn),
  ];
}

function headParameters(config: T5Config, drawn: (fan: number) => Initialization): ParameterSpec[] {
  const { hiddenSize: D, vocabSize: V, numLabels, initializerFactor: factor } = config;
  const make = parameterSpecs(factor);
  const projected = (path: string, name: string, outputs: number): ParameterSpec[] => [
    make.matrix(path, name, [outputs, D], drawn(D)),
    make.bias(path, name, outputs),
  ];
  switch (config.head) {
    case 'sequence-to-sequence':
      return config.tieWordEmbeddings ? [] : [make.matrix('outputEmbedding', 'lm_head', [V, D])];
    case 'sequence-classification':
      return [
        ...projected('classifier.dense', 'classification_head.dense', D),
        ...projected('classifier.output', 'classification_head.out_proj', numLabels),
      ];
    case 'token-classification':
      return make.projection('classifier.output', 'classifier', [numLabels, D], true);
    case 'question-answering':
      return projected('span', 'qa_outputs', 2);
    default:
      return [];
  }
}
