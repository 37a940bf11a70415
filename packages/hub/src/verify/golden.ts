import path from 'node:path';
import { readSafetensors } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { readJsonObject } from '../folders/read-json-file';

/** Rows of whole numbers, or one number a row. */
export type IntTable = number[][] | number[];

/** A generation run of golden.json. */
export interface GoldenRun {
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly sequences: readonly number[][];
  readonly prompt_rows?: readonly number[];
  readonly new_tokens: readonly number[][];
  readonly step_logits?: string;
  readonly sequences_scores?: readonly number[];
  readonly chosen_scores_after_processors?: readonly number[];
}

/** The training run of golden.json. */
export interface GoldenTraining {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly steps: number;
  readonly losses: readonly number[];
}

/** golden.json, as far as it is understood here. */
export interface Golden {
  readonly name: string;
  readonly inputs: {
    readonly ints: Readonly<Record<string, IntTable>> & { readonly input_ids: number[][] };
    readonly tensors?: Readonly<Record<string, string>>;
    readonly forward_kwargs?: Readonly<Record<string, unknown>>;
  };
  readonly loss?: number;
  readonly outputs?: Readonly<Record<string, { readonly tensor: string; readonly shape: readonly number[] }>>;
  readonly grads?: Readonly<Record<string, string>>;
  readonly grad_stats?: Readonly<
    Record<string, { readonly l2: number; readonly sum: number; readonly max_abs: number }>
  >;
  readonly grad_total_norm?: number;
  readonly adamw_training?: GoldenTraining;
  readonly generate?: {
    readonly prompt: { readonly ints: Readonly<Record<string, number[][]>> };
    readonly runs: Readonly<Record<string, GoldenRun>>;
  };
  /** Everything else, by name. */
  readonly [name: string]: unknown;
}

/** golden.json and its tensors. */
export interface GoldenFolder {
  readonly golden: Golden;
  /** The values of a tensor that golden.json names. */
  tensor(name: string): Float32Array;
}

const refuse = (file: string, message: string): never => {
  throw tesseraeError({
    package: 'hub',
    code: 'E_GOLDEN',
    message: `${file}: ${message}`,
    fix: 'give a folder with golden.json and golden.safetensors in the form of the fixtures',
  });
};

/** Whether a value is rows of whole numbers, all as long as the first. */
function isGrid(value: unknown): value is number[][] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const rows = value as unknown[];
  const width = Array.isArray(rows[0]) ? rows[0].length : 0;
  return rows.every(
    (row) => Array.isArray(row) && row.length === width && width > 0 && row.every(Number.isSafeInteger),
  );
}

const isList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(Number.isSafeInteger);

/** Checks `inputs`: tables as large as the ids, labels for as many texts. */
function checkInputs(file: string, { inputs, generate }: Golden): void {
  const ints: Readonly<Record<string, IntTable>> | undefined = inputs?.ints;
  if (typeof ints !== 'object' || ints === null) refuse(file, 'it has no inputs.ints');
  for (const [name, table] of Object.entries(ints)) {
    if (!isGrid(table) && !isList(table)) refuse(file, `${name} is no table of whole numbers`);
  }
  for (const [name, table] of Object.entries(generate?.prompt?.ints ?? {})) {
    if (!isGrid(table)) refuse(file, `${name} is no table of whole numbers`);
  }
  const ids = ints.input_ids;
  if (!isGrid(ids)) return refuse(file, 'inputs.ints has no input_ids');
  const size = (table: IntTable): string =>
    isGrid(table) ? `${table.length} × ${table[0].length}` : String(table.length);
  for (const [name, table] of Object.entries(ints)) {
    const alike = ['attention_mask', 'token_type_ids', 'position_ids'].includes(name);
    if (alike ? size(table) !== size(ids) : table.length !== ids.length) {
      refuse(file, `${name} is ${size(table)}, input_ids are ${size(ids)}`);
    }
  }
}

/** Reads golden.json and golden.safetensors, and checks what everything else relies on. */
export async function readGolden(folder: string): Promise<GoldenFolder> {
  const file = path.join(folder, 'golden.json');
  const golden = (await readJsonObject(file)).json as unknown as Golden;
  checkInputs(file, golden);
  const { tensors } = await readSafetensors(path.join(folder, 'golden.safetensors'));
  return {
    golden,
    tensor(name) {
      const found = tensors.get(name);
      if (found?.dtype === 'F32') return found.data as Float32Array;
      return refuse(file, `it names the tensor ${JSON.stringify(name)}, which golden.safetensors does not hold as F32`);
    },
  };
}
