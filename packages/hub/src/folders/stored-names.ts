import type { Checkpoint, ParameterSpec, SafetensorsDtype, SafetensorsEntry } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** What a form's checkpoints may hold besides the architecture's own names. */
export interface NamingRules {
  /** Prefix of all names of the body, which checkpoints of the body alone leave out. */
  readonly prefix: string;
  /** Tensors that the model has no use for (buffers of old versions, parts of other heads): kept, and written out again. */
  readonly buffers: RegExp;
  /** The output matrix that may repeat another parameter when the config ties the two. */
  readonly tied?: { readonly copy: string; readonly of: string };
  /** Names that may repeat another parameter, or stand in its place: each with the architecture's name. */
  readonly aliases?: readonly (readonly [alias: string, of: string])[];
  /** What older versions called the ends of names: each with the end that it has now. */
  readonly older?: readonly (readonly [old: string, now: string])[];
  /** Parameters that a checkpoint may leave out; they are then zero. */
  readonly optional?: RegExp;
}

/** Where each parameter stands in a checkpoint. */
export interface NameMap {
  /** By the architecture's checkpoint name. */
  readonly stored: Record<string, SafetensorsEntry>;
  /** Tied copies that are stored besides: stored name → the architecture's name of what it repeats. */
  readonly copies: Record<string, string>;
  /** Stored names of what the model has no use for. */
  readonly carried: readonly string[];
  /** The architecture's names of what the checkpoint leaves out. */
  readonly absent: readonly string[];
}

const floats: readonly SafetensorsDtype[] = ['F32', 'F16', 'BF16', 'F64', 'F8_E4M3', 'F8_E5M2'];

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
    if (!entry) continue; // may be left out
    if (entry.shape.length === shape.length && shape.every((n, i) => n === entry.shape[i])) continue;
    wrong.push(`${entry.name} is [${entry.shape.join(', ')}], wanted [${shape.join(', ')}]`);
  }
  if (wrong.length === 0) return;
  const fix = 'check that config.json and the weights belong together';
  refuse('E_TENSOR_SHAPE', `${where}: ${list(wrong)}`, fix, wrong);
}

/** Under which names older versions stored a parameter. */
const olderNames = (name: string, { older = [] }: NamingRules): string[] =>
  older.filter(([, now]) => name.endsWith(now)).map(([old, now]) => name.slice(0, -now.length) + old);

/** Refuses tensors that have no place. */
export function refuseExtra(where: string, names: readonly string[]): never {
  const fix = 'use weights of this form alone, or the class that they were saved from';
  return refuse(
    'E_EXTRA_TENSORS',
    `${where} holds tensors that this form has no place for: ${list(names)}`,
    fix,
    names,
  );
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
  const repeats = [...(rules.aliases ?? []), ...(rules.tied ? [[rules.tied.copy, rules.tied.of] as const] : [])];
  const stored: NameMap['stored'] = Object.create(null) as NameMap['stored'];
  const [missing, absent]: [string[], string[]] = [[], []];
  for (const { checkpointName: name } of specs) {
    const instead = repeats.filter(([, of]) => of === name).map(([alias]) => alias);
    const found = [name, ...olderNames(name, rules), ...instead]
      .map((one) => checkpoint.entries.get(storedName(one)))
      .find((entry) => entry !== undefined);
    if (found) stored[name] = found;
    else (rules.optional?.test(name) ? absent : missing).push(storedName(name));
  }
  if (missing.length > 0) {
    const fix = 'check that config.json and the weights belong together and that all shards are there';
    refuse('E_MISSING_TENSORS', `${where} lacks ${list(missing)}`, fix, missing);
  }
  const used = new Set(Object.values(stored).map(({ name }) => name));
  const copyOf = new Map(repeats.filter(([, of]) => stored[of]).map(([alias, of]) => [storedName(alias), of]));
  const copies: NameMap['copies'] = {};
  const [extra, carried]: [string[], string[]] = [[], []];
  for (const name of checkpoint.entries.keys()) {
    if (used.has(name)) continue;
    const of = copyOf.get(name);
    if (of !== undefined) copies[name] = of;
    else (rules.buffers.test(name) ? carried : extra).push(name);
  }
  if (extra.length > 0) refuseExtra(where, extra);
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
  return { stored, copies, carried, absent };
}
