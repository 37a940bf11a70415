import type { Initialization, ParameterSpec } from '../model/types';
import { parameterSpecs } from './blocks/parameterSpecs';
import type { Gpt2Config } from './gpt2Config';

/**
 * Every weight of the GPT-2 form but its head's, with its name in a Hugging Face checkpoint. The paper's section 2.3: projections into
 * the residual stream start smaller, by the square root of how many there are, two a block.
 */
export function gpt2Parameters(config: Gpt2Config): ParameterSpec[] {
  const { vocabSize: V, hiddenSize: D, numHiddenLayers: L, maxPositionEmbeddings, initializerRange } = config;
  const F = config.intermediateSize ?? 4 * D;
  const make = parameterSpecs(initializerRange);
  const residual: Initialization = { kind: 'normal', standardDeviation: initializerRange / Math.sqrt(2 * L) };
  const projected = (path: string, name: string, shape: [number, number], start?: Initialization): ParameterSpec[] => [
    { ...make.matrix(path, name, shape, start), layout: 'in-out' },
    make.bias(path, name, shape[1]),
  ];

  return [
    make.matrix('tokenEmbedding', 'transformer.wte', [V, D]),
    make.matrix('positionEmbedding', 'transformer.wpe', [maxPositionEmbeddings, D]),
    ...Array.from({ length: L }, (_, index) => {
      const [at, name] = [`layers.${index}`, `transformer.h.${index}`];
      return [
        ...make.layerNorm(`${at}.attentionNorm`, `${name}.ln_1`, D),
        ...projected(`${at}.attention.queryKeyValue`, `${name}.attn.c_attn`, [D, 3 * D]),
        ...projected(`${at}.attention.output`, `${name}.attn.c_proj`, [D, D], residual),
        ...make.layerNorm(`${at}.feedForwardNorm`, `${name}.ln_2`, D),
        ...projected(`${at}.feedForward.up`, `${name}.mlp.c_fc`, [D, F]),
        ...projected(`${at}.feedForward.down`, `${name}.mlp.c_proj`, [F, D], residual),
      ];
    }).flat(),
    ...make.layerNorm('finalNorm', 'transformer.ln_f', D),
  ];
}
