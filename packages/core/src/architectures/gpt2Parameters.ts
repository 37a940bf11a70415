import type { Initialization, ParameterSpec } from '../model/types';
import type { Gpt2Config } from './gpt2Config';

/**
 * Every weight of the GPT-2 form with its name in a Hugging Face checkpoint. The paper's section 2.3: projections into
 * the residual stream start smaller, by the square root of how many there are, two a block.
 */
export function gpt2Parameters(config: Gpt2Config): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, numHiddenLayers: L, maxPositionEmbeddings, initializerRange } = config;
  const F = config.intermediateSize ?? 4 * D;
  const normal: Initialization = { kind: 'normal', standardDeviation: initializerRange };
  const residual: Initialization = { kind: 'normal', standardDeviation: initializerRange / Math.sqrt(2 * L) };
  const matrix = (path: string, checkpointName: string, shape: number[], initialization = normal): ParameterSpec => ({
    path: `${path}.weight`,
    checkpointName: `${checkpointName}.weight`,
    shape,
    initialization,
    decay: true,
  });
  const vector = (kind: 'weight' | 'bias', path: string, checkpointName: string, size: number): ParameterSpec => ({
    path: `${path}.${kind}`,
    checkpointName: `${checkpointName}.${kind}`,
    shape: [size],
    initialization: { kind: kind === 'weight' ? 'ones' : 'zeros' },
    decay: false,
  });
  const normed = (path: string, name: string): ParameterSpec[] => [
    vector('weight', path, name, D),
    vector('bias', path, name, D),
  ];
  const projected = (path: string, name: string, shape: [number, number], initialization = normal): ParameterSpec[] => [
    matrix(path, name, shape, initialization),
    vector('bias', path, name, shape[1]),
  ];

  return [
    matrix('tokenEmbedding', 'transformer.wte', [V, D]),
    matrix('positionEmbedding', 'transformer.wpe', [maxPositionEmbeddings, D]),
    ...Array.from({ length: L }, (_, index) => {
      const [at, name] = [`layers.${index}`, `transformer.h.${index}`];
      return [
        ...normed(`${at}.attentionNorm`, `${name}.ln_1`),
        ...projected(`${at}.attention.queryKeyValue`, `${name}.attn.c_attn`, [D, 3 * D]),
        ...projected(`${at}.attention.output`, `${name}.attn.c_proj`, [D, D], residual),
        ...normed(`${at}.feedForwardNorm`, `${name}.ln_2`),
        ...projected(`${at}.feedForward.up`, `${name}.mlp.c_fc`, [D, F]),
        ...projected(`${at}.feedForward.down`, `${name}.mlp.c_proj`, [F, D], residual),
      ];
    }).flat(),
    ...normed('finalNorm', 'transformer.ln_f'),
    ...(config.tieWordEmbeddings ? [] : [matrix('outputEmbedding', 'lm_head', [V, D])]),
  ];
}
