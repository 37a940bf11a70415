import type { Initialization, ParameterSpec } from '../model/types';
import { matrixSpec, normalInitialization, projectionSpecs, scaleSpec } from './stacks/specs';
import { t5DecoderLayers } from './t5Config';
import type { T5Config } from './t5Config';

/**
 * Every weight of the T5 form with its name in a Hugging Face checkpoint. Matrices start as in Mesh TensorFlow: the
 * narrower their input, the larger, and queries smaller by √headDim, in place of a scale in attention.
 */
export function t5Parameters(config: T5Config): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, intermediateSize: F, headDim: E, numAttentionHeads: H, head } = config;
  const factor = config.initializerFactor;
  const drawn = (fan: number): Initialization => normalInitialization(factor * fan ** -0.5);
  const classifies = head === 'sequence-classification' || head === 'token-classification';
  const body = classifies ? 'transformer.' : '';
  const scale = (path: string, name: string): ParameterSpec =>
    scaleSpec(path, name, D, { kind: 'constant', value: factor });

  const attention = (path: string, name: string): ParameterSpec[] => [
    matrixSpec(`${path}.query`, `${name}.q`, [H * E, D], drawn(D * E)),
    matrixSpec(`${path}.key`, `${name}.k`, [H * E, D], drawn(D)),
    matrixSpec(`${path}.value`, `${name}.v`, [H * E, D], drawn(D)),
    matrixSpec(`${path}.output`, `${name}.o`, [D, H * E], drawn(H * E)),
  ];
  const feedForward = (path: string, name: string): ParameterSpec[] => [
    ...(config.gatedFeedForward
      ? [
          matrixSpec(`${path}.gate`, `${name}.wi_0`, [F, D], drawn(D)),
          matrixSpec(`${path}.up`, `${name}.wi_1`, [F, D], drawn(D)),
        ]
      : [matrixSpec(`${path}.up`, `${name}.wi`, [F, D], drawn(D))]),
    matrixSpec(`${path}.down`, `${name}.wo`, [D, F], drawn(F)),
  ];
  const stack = (part: 'encoder' | 'decoder', layers: number): ParameterSpec[] => [
    matrixSpec(
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
    matrixSpec('tokenEmbedding', `${body}shared`, [V, D], normalInitialization(factor)),
    ...stack('encoder', config.numHiddenLayers),
    ...(decoderLayers > 0 ? stack('decoder', decoderLayers) : []),
    ...headParameters(config, drawn),
  ];
}

function headParameters(config: T5Config, drawn: (fan: number) => Initialization): ParameterSpec[] {
  const { hiddenSize: D, vocabSize: V, numLabels, initializerFactor: factor } = config;
  switch (config.head) {
    case 'sequence-to-sequence':
      return config.tieWordEmbeddings
        ? []
        : [matrixSpec('outputEmbedding', 'lm_head', [V, D], normalInitialization(factor))];
    case 'sequence-classification':
      return [
        ...projectionSpecs('classifier.dense', 'classification_head.dense', [D, D], drawn(D)),
        ...projectionSpecs('classifier.output', 'classification_head.out_proj', [numLabels, D], drawn(D)),
      ];
    case 'token-classification':
      return projectionSpecs('classifier.output', 'classifier', [numLabels, D], normalInitialization(factor));
    case 'question-answering':
      return projectionSpecs('span', 'qa_outputs', [2, D], drawn(D));
    default:
      return [];
  }
}
