import { flattenParams } from './params';
import type { Model, ParameterSpec } from './types';
import type { LinearLayout, Weight } from './weight';

/** A matrix of a model, with the names that it goes by. */
export interface ModelMatrix {
  readonly spec: ParameterSpec;
  readonly weight: Weight;
  /** Its path without `.weight`: `layers.0.attention.query`. */
  readonly module: string;
  /** Its name in checkpoints without `.weight`: `model.layers.0.self_attn.q_proj`. */
  readonly checkpointModule: string;
  /** Whether its rows are looked up by ids, as those of embeddings are. */
  readonly isTable: boolean;
  /** How it lies; a table is `in-out`, a row for each id. */
  readonly layout: LinearLayout;
  readonly inputs: number;
  readonly outputs: number;
}

const withoutWeight = (name: string): string => name.replace(/\.weight$/, '');
const looksUp = (path: string): boolean => /(^|\.)((token|position|tokenType)Embedding|relativePosition)\./.test(path);

/**
 * Every matrix of a model: what adapters, quantization and the like can work on.
 *
 * @param model any model
 * @returns the matrices, in the order of the forward pass
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2, modelMatrices } from '@tesserae/core';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const [, , first] = modelMatrices(createModel(gpt2, config));
 * console.log(first.module, first.checkpointModule, first.layout); // → layers.0.attention.queryKeyValue transformer.h.0.attn.c_attn in-out
 * ```
 */
export function modelMatrices<C>(model: Model<C>): ModelMatrix[] {
  const weights = new Map(flattenParams(model.params));
  return model.architecture.parameters(model.config).flatMap((spec): ModelMatrix[] => {
    const weight = weights.get(spec.path);
    if (!weight || spec.shape.length !== 2 || !spec.path.endsWith('.weight')) return [];
    const isTable = looksUp(spec.path);
    const layout = isTable ? 'in-out' : (spec.layout ?? 'out-in');
    const [inputs, outputs] = layout === 'in-out' ? spec.shape : [spec.shape[1], spec.shape[0]];
    const module = withoutWeight(spec.path);
    return [
      { spec, weight, module, checkpointModule: withoutWeight(spec.checkpointName), isTable, layout, inputs, outputs },
    ];
  });
}
