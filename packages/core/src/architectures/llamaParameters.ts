import type { Initialization, ParameterSpec } from '../model/types';
import type { LlamaConfig } from './llamaConfig';

/** Every weight of the Llama form with its name in a Hugging Face checkpoint; all matrices start alike. */
export function llamaParameters(config: LlamaConfig): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, intermediateSize: F, numHiddenLayers: L, attentionBias, mlpBias } = config;
  const [Q, K] = [config.numAttentionHeads * config.headDim, config.numKeyValueHeads * config.headDim];
  const normal: Initialization = { kind: 'normal', standardDeviation: config.initializerRange };
  const matrix = (path: string, name: string, shape: number[]): ParameterSpec => ({
    path: `${path}.weight`,
    checkpointName: `${name}.weight`,
    shape,
    initialization: normal,
    decay: true,
  });
  const normed = (path: string, name: string): ParameterSpec => ({
    path: `${path}.weight`,
    checkpointName: `${name}.weight`,
    shape: [D],
    initialization: { kind: 'ones' },
    decay: false,
  });
  const projected = (path: string, name: string, shape: [number, number], bias: boolean): ParameterSpec[] => [
    matrix(path, name, shape),
    ...(bias
      ? [
          {
            path: `${path}.bias`,
            checkpointName: `${name}.bias`,
            shape: [shape[0]],
            initialization: { kind: 'zeros' as const },
            decay: false,
          },
        ]
      : []),
  ];

  return [
    matrix('tokenEmbedding', 'model.embed_tokens', [V, D]),
    ...Array.from({ length: L }, (_, index) => {
      const [at, name] = [`layers.${index}`, `model.layers.${index}`];
      return [
        normed(`${at}.attentionNorm`, `${name}.input_layernorm`),
        ...projected(`${at}.attention.query`, `${name}.self_attn.q_proj`, [Q, D], attentionBias),
        ...projected(`${at}.attention.key`, `${name}.self_attn.k_proj`, [K, D], attentionBias),
        ...projected(`${at}.attention.value`, `${name}.self_attn.v_proj`, [K, D], attentionBias),
        ...projected(`${at}.attention.output`, `${name}.self_attn.o_proj`, [D, Q], attentionBias),
        normed(`${at}.feedForwardNorm`, `${name}.post_attention_layernorm`),
        ...projected(`${at}.feedForward.gate`, `${name}.mlp.gate_proj`, [F, D], mlpBias),
        ...projected(`${at}.feedForward.up`, `${name}.mlp.up_proj`, [F, D], mlpBias),
        ...projected(`${at}.feedForward.down`, `${name}.mlp.down_proj`, [D, F], mlpBias),
      ];
    }).flat(),
    normed('finalNorm', 'model.norm'),
    ...(config.tieWordEmbeddings ? [] : [matrix('outputEmbedding', 'lm_head', [V, D])]),
  ];
}
