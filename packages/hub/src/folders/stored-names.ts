import type { Checkpoint, ParameterSpec, SafetensorsDtype, SafetensorsEntry } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** What a form's checkpoints may hold besides the architecture's own names. */
export interface NamingRules {
  /** Prefix of all names of the body, which checkpoints of the body alone leave out. */
  readonly prefix: string;
  /** Buffers that old versions stored: computed, never read. */
  readonly buffers: RegExp;
  /** A name that may repeat another parameter when the config ties the two. */
  readonly tied?: { readonly copy: string; readonly of: string };
}

/** Where each parameter stands in a checkpoint. */
export interface NameMap {
  /** By the architecture's checkpoint name. */
  readonly stored: Record<string, SafetensorsEntry>;
  /** Tied copies that are stored besides: stored name → the architecture's name of what it repeats. */
  readonly copies: Record<string, string>;
}

const floats: readonly SafetensorsDtype[] = ['F32', 'F16', 'BF16', 'F64'];

const list = (names: readonly string[]): string =>
  names.slice(0, 12).join(', ') + (names.length > 12 ? `, … (${names.length} in all)` : '');

const refuse = (code: `E_${string}`, message: string, fix: string, names: readonly string[]): never => {
  throw tesseraeError({ package: 'hub', code, message, fix, details: { names } });
};

/** Whether the checkpoint leaves the prefix of the body out. */
function isBare(specs: readonly ParameterSpec[], checkpoint: Checkpoint, prefix: string): boolean {
  const body = specs.filter(({ checkpointName }) => checkpointName.startsWith(prefix));
  const full = body.some(({ checkpointName }) => checkpoint.entries.has(checkpointName));
  return !full && body.some(({ checkpointName }) => checkpoint.entries.has(checkpointName.slice(prefix.length)));
}

function checkShapes(where: string, specs: readonly ParameterSpec[], stored: NameMap['stored']): void {
  const wrong: string[] = [];
  for (const { checkpointName, shape } of specs) {
    const entry = stored[checkpointName];
    if (entry.shape.length === shape.length && shape.every((n, i) => n === entry.shape[i])) continue;
    wrong.push(`${entry.name} is [${entry.shape.join(', ')}], wanted [${shape.join(', ')}]`);
  }
  if (wrong.length === 0) return;
  const fix = 'check that config.json and the weights belong together';
  refuse('E_TENSOR_SHAPE', `${where}: ${list(wrong)}`, fix, wrong);
}

/**
 * Finds each parameter in a checkpoint before anything is read.
 *
 * @throws E_MISSING_TENSORS, E_EXTRA_TENSORS, E_TENSOR_SHAPE, E_TENSOR_DTYPE, each listing names
 */
export function findStoredNames(
  where: string,
  specs: readonly ParameterSpec[],
  checkpoint: Checkpoint,
  rules: NamingRules,
): NameMap {
  const bare = isBare(specs, checkpoint, rules.prefix);
  const storedName = (name: string): string =>
    bare && name.startsWith(rules.prefix) ? name.slice(rules.prefix.length) : name;
  const stored: NameMap['stored'] = Object.create(null) as NameMap['stored'];
  const missing: string[] = [];
  for (const { checkpointName } of specs) {
    const entry = checkpoint.entries.get(storedName(checkpointName));
    if (entry) stored[checkpointName] = entry;
    else missing.push(storedName(checkpointName));
  }
  if (missing.length > 0) {
    const fix = 'check that config.json and the weights belong together and that all shards are there';
    refuse('E_MISSING_TENSORS', `${where} lacks ${list(missing)}`, fix, missing);
  }
  const used = new Set(Object.values(stored).map(({ name }) => name));
  const copies: NameMap['copies'] = {};
  const extra: string[] = [];
  for (const name of checkpoint.entries.keys()) {
    if (used.has(name) || rules.buffers.test(name)) continue;
    if (name === rules.tied?.copy) copies[name] = rules.tied.of;
    else extra.push(name);
  }
  if (extra.length > 0) {
    const fix = 'use weights of this form alone, or the class that they were saved from';
    refuse('E_EXTRA_TENSORS', `${where} holds tensors that this form has no place for: ${list(extra)}`, fix, extra);
  }
  checkShapes(where, specs, stored);
  const integers = Object.values(stored).filter(({ dtype }) => !floats.includes(dtype));
  if (integers.length > 0) {
    const names = integers.map(({ name, dtype }) => `${name} (${dtype})`);
    refuse(
      'E_TENSOR_DTYPE',
      `${where}: no floating-point numbers: ${list(names)}`,
      'use an unquantized checkpoint',
      names,
    );
  }
  return { stored, copies };
}
