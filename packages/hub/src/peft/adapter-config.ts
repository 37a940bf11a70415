import { fieldError, readFields, unsupported } from '../forms/fields';
import type { ConfigJson, Fields } from '../forms/fields';

/** What adapter_config.json says of a low-rank adapter. */
export interface LoraFields {
  readonly type: 'LORA';
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly rankStabilized: boolean;
  readonly decomposed: boolean;
  readonly bias: 'none' | 'all' | 'lora_only';
  readonly rankPattern: Readonly<Record<string, number>>;
  readonly alphaPattern: Readonly<Record<string, number>>;
}

/** What it says of (IA)³. */
export interface Ia3Fields {
  readonly type: 'IA3';
}

/** What it says of prompt tuning. */
export interface PromptFields {
  readonly type: 'PROMPT_TUNING';
  readonly virtualTokens: number;
}

/** What adapter_config.json says. */
export type AdapterFields = (LoraFields | Ia3Fields | PromptFields) & {
  /** Names that each must stand for some module of the adapter; patterns are not among them. */
  readonly targets: readonly string[] | undefined;
  /** Modules that the targets leave out all the same. */
  readonly excluded: readonly string[] | undefined;
  /** The only layers, where not all. */
  readonly layers: readonly number[] | undefined;
};

/** Ways of making the first weights that leave the base alone; the others change it, and what is stored is no use without. */
const plainStarts = [true, false, 'gaussian', 'orthogonal', 'eva'];

/** Fields of LoRA that change the numbers and are not done here, unless they are absent, null or one of these. */
const undone: Readonly<Record<string, readonly unknown[]>> = {
  lora_bias: [false],
  use_qalora: [false],
  layer_replication: [],
  megatron_config: [],
  trainable_token_indices: [],
  target_parameters: [[]],
  alora_invocation_tokens: [],
  arrow_config: [],
  kasa_config: [],
  use_bdlora: [false],
  velora_config: [],
  monteclora_config: [],
};

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= 4096 && value.every((one) => typeof one === 'string' && one !== '');

/** A list of names, or undefined for a pattern or nothing. */
function names(fields: Fields, name: string, what: string): readonly string[] | undefined {
  const value = fields.raw(name);
  if (value === undefined || typeof value === 'string') return undefined;
  if (isNames(value)) return value;
  throw fieldError(what, name, value, 'a list of names, a pattern, or null');
}

/**
 * Numbers by module. PEFT takes the names for regular expressions; those of a file are not run here, so only names are
 * taken, perhaps with dots escaped or marked as whole.
 */
function pattern(fields: Fields, name: string, what: string, whole: boolean): Record<string, number> {
  const value = fields.raw(name) ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fieldError(what, name, value, 'an object of numbers by module');
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, number]) => {
      const valid = typeof number === 'number' && number > 0 && (whole ? Number.isSafeInteger(number) : number < 1e9);
      if (!valid)
        throw fieldError(what, `${name}.${key}`, number, whole ? 'a whole number from 1 up' : 'a number above 0');
      const plain = key.replaceAll('\\.', '.').replace(/^\^/, '').replace(/\$$/, '');
      if (/[\\^$*+?()[\]{}|]/.test(plain))
        throw unsupported(what, name, key, 'patterns that a file brings are not run; give names of modules');
      return [plain, number as number];
    }),
  );
}

function layers(fields: Fields, what: string): readonly number[] | undefined {
  const value = fields.raw('layers_to_transform');
  if (value === undefined) return undefined;
  const list = (Array.isArray(value) ? value : [value]) as unknown[];
  if (list.every((one) => Number.isSafeInteger(one) && (one as number) >= 0)) {
    return list.length > 0 ? (list as number[]) : undefined;
  }
  throw fieldError(what, 'layers_to_transform', value, 'numbers of layers from 0 up');
}

function readLora(fields: Fields, what: string): LoraFields {
  for (const [name, accepted] of Object.entries(undone))
    fields.only(name, accepted, 'this form of LoRA is not done here');
  fields.only(
    'init_lora_weights',
    plainStarts,
    'it changes the base, which the folder does not hold; convert it with PEFT',
  );
  const bias = fields.choice('bias', 'none', { none: 'none', all: 'all', lora_only: 'lora_only' } as const);
  return {
    type: 'LORA',
    rank: fields.count('r', 8),
    alpha: fields.number('lora_alpha', 8, 'a number above 0', (value) => value > 0),
    dropout: fields.number('lora_dropout', 0, 'a number from 0 to below 1', (value) => value >= 0 && value < 1),
    rankStabilized: fields.boolean('use_rslora', false),
    decomposed: fields.boolean('use_dora', false),
    bias,
    rankPattern: pattern(fields, 'rank_pattern', what, true),
    alphaPattern: pattern(fields, 'alpha_pattern', what, false),
  };
}

function readPrompt(fields: Fields): PromptFields {
  const virtualTokens = fields.count('num_virtual_tokens', 0);
  fields.only(
    'num_transformer_submodules',
    [1],
    'virtual tokens stand before one text: save it with num_transformer_submodules=1',
  );
  return { type: 'PROMPT_TUNING', virtualTokens };
}

/**
 * Reads adapter_config.json.
 *
 * @throws E_CONFIG_FIELD, E_UNSUPPORTED, by the name of the field
 */
export function readAdapterConfig(json: ConfigJson, what: string): AdapterFields {
  const fields = readFields(json, what);
  const own = fields.choice('peft_type', '', {
    LORA: () => readLora(fields, what),
    IA3: (): Ia3Fields => ({ type: 'IA3' }),
    PROMPT_TUNING: () => readPrompt(fields),
  })();
  const pattern = typeof fields.raw('exclude_modules') === 'string' || fields.raw('layers_pattern') !== undefined;
  return {
    ...own,
    targets: pattern ? undefined : names(fields, 'target_modules', what),
    excluded: names(fields, 'exclude_modules', what),
    layers: layers(fields, what),
  };
}
