import { modelMatrices } from '@tesserae/core';
import type { Model, ModelMatrix, ParameterSpec } from '@tesserae/core';
import { forms } from '../forms/index';

/** How a model's parameters are called in adapter files. */
export interface AdapterNames {
  readonly matrices: readonly ModelMatrix[];
  /** A module's name in PEFT, which leaves the body's prefix out for a model without a head. */
  nameOf(checkpointName: string): string;
  /** The matrix of a module, by its name in PEFT. */
  matrix(module: string): ModelMatrix | undefined;
  /** The parameter of that name, `classifier.weight`. */
  parameter(name: string): ParameterSpec | undefined;
}

/** The names of a model. */
export function adapterNames<C>(model: Model<C>): AdapterNames {
  const { head } = model.config as unknown as Model['config'];
  const form = forms().find(({ architecture }) => architecture.name === model.architecture.name);
  const prefix = head === 'none' ? (form?.naming.prefix ?? '') : '';
  const nameOf = (name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const matrices = modelMatrices(model);
  const specs = model.architecture.parameters(model.config);
  const byModule = new Map(matrices.map((matrix) => [nameOf(matrix.checkpointModule), matrix]));
  const byName = new Map(specs.map((spec) => [nameOf(spec.checkpointName), spec]));
  return {
    matrices,
    nameOf,
    matrix: (module) => byModule.get(module),
    parameter: (name) => byName.get(name),
  };
}

/** Whether a name means a module: its whole name, or its end after a dot. */
export const meansModule = (name: string, module: string): boolean => module === name || module.endsWith(`.${name}`);

/** Parts of a low-rank adapter, by the end of their names. */
const parts = {
  'lora_A.weight': 'a',
  'lora_B.weight': 'b',
  lora_embedding_A: 'a',
  lora_embedding_B: 'b',
  lora_magnitude_vector: 'magnitude',
  'lora_magnitude_vector.weight': 'magnitude',
  ia3_l: 'scale',
} as const;

/** What one tensor of an adapter file is. */
export type AdapterTensor =
  | { readonly kind: 'part'; readonly module: string; readonly part: 'a' | 'b' | 'magnitude' | 'scale' }
  /** A whole parameter, `classifier.weight`; of a module with an adapter its own `base_layer.bias`. */
  | { readonly kind: 'whole'; readonly name: string; readonly ofBase: boolean }
  | { readonly kind: 'prompt' }
  /** A copy that says nothing new. */
  | { readonly kind: 'copy' };

/** Reads the name of a tensor as PEFT writes it; undefined for any other name. */
export function readTensorName(name: string): AdapterTensor | undefined {
  if (name === 'prompt_embeddings') return { kind: 'prompt' };
  const bare = /^base_model\.(?:model\.)?(.+)$/s.exec(name)?.[1];
  if (bare === undefined) return undefined;
  for (const [end, part] of Object.entries(parts)) {
    if (bare.endsWith(`.${end}`)) return { kind: 'part', module: bare.slice(0, -end.length - 1), part };
  }
  if (/\.(modules_to_save|original_module)\./.test(bare)) return { kind: 'copy' };
  return {
    kind: 'whole',
    name: bare.replace(/\.base_layer\.(weight|bias)$/, '.$1'),
    ofBase: /\.base_layer\./.test(bare),
  };
}
