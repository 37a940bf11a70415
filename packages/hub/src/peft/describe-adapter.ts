import type { Adapter, LowRank, Model, ModelMatrix, Scaled } from '@tesserae/core';
import { meansModule } from './adapter-names';
import type { AdapterNames } from './adapter-names';

/** What of a model's adapter goes into its files. */
export interface AdapterContent {
  readonly lowRank: readonly (readonly [ModelMatrix, LowRank])[];
  readonly scaled: readonly (readonly [ModelMatrix, Scaled])[];
  /** [n, D] of the virtual tokens, if it has any. */
  readonly prompt: { readonly shape: readonly number[] } | undefined;
}

const taskTypes: Readonly<Record<string, string>> = {
  'causal-lm': 'CAUSAL_LM',
  'sequence-to-sequence': 'SEQ_2_SEQ_LM',
  'sequence-classification': 'SEQ_CLS',
  'token-classification': 'TOKEN_CLS',
  'question-answering': 'QUESTION_ANS',
};

/** The shortest list of names that means these modules and no others. */
export function shortNames(modules: readonly string[], all: readonly string[]): string[] {
  const wanted = new Set(modules);
  const names = modules.map((module) => {
    const last = module.slice(module.lastIndexOf('.') + 1);
    return all.filter((one) => meansModule(last, one)).every((one) => wanted.has(one)) ? last : module;
  });
  return [...new Set(names)].sort();
}

/** The number that most have, and the others by module. */
function usualAndOthers(values: readonly (readonly [string, number])[]): [number, Record<string, number>] {
  const counts = new Map<number, number>();
  for (const [, value] of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [usual] = [...counts].sort((one, other) => other[1] - one[1])[0];
  return [usual, Object.fromEntries(values.filter(([, value]) => value !== usual))];
}

const rounded = (value: number): number => Number(value.toPrecision(9));

function loraFields(
  { lowRank }: AdapterContent,
  adapter: Adapter<unknown>,
  names: AdapterNames,
): Record<string, unknown> {
  const { rankStabilized = false, biases = 'none' } = adapter.settings;
  const stabilized = rankStabilized === true;
  const module = (matrix: ModelMatrix): string => names.nameOf(matrix.checkpointModule);
  const [rank, rankPattern] = usualAndOthers(lowRank.map(([matrix, { a }]) => [module(matrix), a.shape[0]]));
  const [alpha, alphaPattern] = usualAndOthers(
    lowRank.map(([matrix, { a, scale }]) => {
      const over = stabilized ? Math.sqrt(a.shape[0]) : a.shape[0];
      return [module(matrix), rounded(scale * over)];
    }),
  );
  return {
    peft_type: 'LORA',
    r: rank,
    rank_pattern: rankPattern,
    lora_alpha: alpha,
    alpha_pattern: alphaPattern,
    lora_dropout: lowRank[0][1].dropout,
    use_rslora: stabilized,
    use_dora: lowRank.some(([, { magnitude }]) => magnitude !== undefined),
    bias: biases === 'targets' ? 'lora_only' : biases,
    fan_in_fan_out: lowRank.some(([, { layout, table }]) => layout === 'in-out' && !table),
    init_lora_weights: true,
    lora_bias: false,
  };
}

function ia3Fields({ scaled }: AdapterContent, names: AdapterNames, all: readonly string[]): Record<string, unknown> {
  const inputs = scaled.filter(([, { side }]) => side === 'input');
  return {
    peft_type: 'IA3',
    feedforward_modules: shortNames(
      inputs.map(([matrix]) => names.nameOf(matrix.checkpointModule)),
      all,
    ),
    fan_in_fan_out: scaled.some(([, { layout }]) => layout === 'in-out'),
    init_ia3_weights: true,
  };
}

function promptFields({ prompt }: AdapterContent, { config }: Model): Record<string, unknown> {
  return {
    peft_type: 'PROMPT_TUNING',
    num_virtual_tokens: prompt!.shape[0],
    token_dim: prompt!.shape[1],
    num_transformer_submodules: 1,
    num_attention_heads: config.numAttentionHeads,
    num_layers: config.numHiddenLayers,
    prompt_tuning_init: 'RANDOM',
    prompt_tuning_init_text: null,
    tokenizer_name_or_path: null,
  };
}

/** The modules that PEFT stores whole: a head by the first part of its name, anything else by all of it. */
export function wholeModules(model: Model, whole: readonly string[], names: AdapterNames): string[] {
  const specs = model.architecture.parameters(model.config).filter(({ path }) => whole.includes(path));
  const modules = specs
    .filter(({ path }) => !/(^|\.)bias$/.test(path) || whole.includes(path.replace(/bias$/, 'weight')))
    .map(({ path, checkpointName }) => {
      const name = names.nameOf(checkpointName).replace(/\.(weight|bias)$/, '');
      return /^(classifier|span)\./.test(path) ? name.split('.', 1)[0] : name;
    });
  return [...new Set(modules)];
}

/** The fields of adapter_config.json for a model's adapter. */
export function describeAdapter(
  model: Model,
  adapter: Adapter<unknown>,
  content: AdapterContent,
  names: AdapterNames,
  baseName: string | null,
): Record<string, unknown> {
  const all = names.matrices.map(({ checkpointModule }) => names.nameOf(checkpointModule));
  const touched = [...content.lowRank, ...content.scaled].map(([matrix]) => names.nameOf(matrix.checkpointModule));
  const own = content.prompt
    ? promptFields(content, model)
    : content.scaled.length > 0
      ? ia3Fields(content, names, all)
      : loraFields(content, adapter, names);
  const modules = wholeModules(model, adapter.whole, names);
  return {
    ...own,
    ...(touched.length > 0 && { target_modules: shortNames(touched, all) }),
    modules_to_save: modules.length > 0 ? modules : null,
    task_type: taskTypes[model.config.head ?? 'causal-lm'] ?? null,
    base_model_name_or_path: baseName,
    inference_mode: true,
    auto_mapping: null,
    revision: null,
  };
}
