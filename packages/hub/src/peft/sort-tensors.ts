import type { ModelMatrix, SafetensorsEntry, SafetensorsFile } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { AdapterFields } from './adapter-config';
import { meansModule, readTensorName } from './adapter-names';
import type { AdapterNames } from './adapter-names';
import { extraTensors, missingTensors, otherBase, unknownModules } from './peft-errors';

/** The parts of one matrix's adapter. */
export type MatrixParts = Partial<Record<'a' | 'b' | 'magnitude' | 'scale', SafetensorsEntry>>;

/** The tensors of an adapter file, each where it belongs. */
export interface SortedTensors {
  /** By the path of the matrix. */
  readonly parts: ReadonlyMap<string, { readonly matrix: ModelMatrix; readonly found: MatrixParts }>;
  /** Whole parameters by path. */
  readonly whole: ReadonlyMap<string, SafetensorsEntry>;
  /** Copies of the base's own matrices, by path: those of embeddings that have an adapter. */
  readonly ofBase: ReadonlyMap<string, SafetensorsEntry>;
  readonly prompt: SafetensorsEntry | undefined;
}

interface InProgress {
  readonly parts: Map<string, { readonly matrix: ModelMatrix; readonly found: MatrixParts }>;
  readonly whole: Map<string, SafetensorsEntry>;
  readonly ofBase: Map<string, SafetensorsEntry>;
  prompt: SafetensorsEntry | undefined;
}

const floats: readonly string[] = ['F32', 'F16', 'BF16'];

/**
 * Finds the place of each tensor in the model.
 *
 * @throws E_EXTRA_TENSORS, E_ADAPTER_TARGET, E_ADAPTER_BASE, E_MISSING_TENSORS, E_TENSOR_DTYPE
 */
export function sortTensors(
  file: SafetensorsFile,
  what: string,
  fields: AdapterFields,
  names: AdapterNames,
): SortedTensors {
  const sorted: InProgress = { parts: new Map(), whole: new Map(), ofBase: new Map(), prompt: undefined };
  const [extra, unknown, foreign]: [string[], string[], string[]] = [[], [], []];
  for (const [name, entry] of file.entries) {
    checkDtype(what, entry);
    const read = readTensorName(name);
    if (!read || !belongs(read.kind === 'part' ? read.part : read.kind, fields)) extra.push(name);
    else if (read.kind === 'prompt') sorted.prompt = entry;
    else if (read.kind === 'part') {
      const matrix = names.matrix(read.module);
      if (matrix) addPart(sorted, matrix, read.part, entry);
      else unknown.push(read.module);
    } else if (read.kind === 'whole') {
      const spec = names.parameter(read.name);
      if (!spec) foreign.push(read.name);
      else if (read.ofBase && read.name.endsWith('.weight')) sorted.ofBase.set(spec.path, entry);
      else sorted.whole.set(spec.path, entry);
    }
  }
  if (extra.length > 0) throw extraTensors(what, extra);
  if (unknown.length > 0)
    throw unknownModules(
      what,
      [...new Set(unknown)],
      names.matrices.map(({ checkpointModule }) => checkpointModule),
    );
  if (foreign.length > 0)
    throw otherBase(
      `${what} holds ${foreign.slice(0, 4).join(', ')}, which the model does not have`,
      'give a base with the same head, for instance one made by withHead',
      { names: foreign },
    );
  checkComplete(what, sorted, fields, names);
  return sorted;
}

function addPart({ parts }: InProgress, matrix: ModelMatrix, part: keyof MatrixParts, entry: SafetensorsEntry): void {
  const known = parts.get(matrix.spec.path);
  if (known) known.found[part] = entry;
  else parts.set(matrix.spec.path, { matrix, found: { [part]: entry } });
}

/** Whether an adapter of this kind has such tensors. */
function belongs(kind: string, fields: AdapterFields): boolean {
  if (kind === 'whole' || kind === 'copy') return true;
  switch (fields.type) {
    case 'LORA':
      return kind === 'a' || kind === 'b' || (kind === 'magnitude' && fields.decomposed);
    case 'IA3':
      return kind === 'scale';
    default:
      return kind === 'prompt';
  }
}

function checkDtype(what: string, { name, dtype }: SafetensorsEntry): void {
  if (floats.includes(dtype)) return;
  throw tesseraeError({
    package: 'hub',
    code: 'E_TENSOR_DTYPE',
    message: `${what}: ${name} is ${dtype}, and adapters are read as floating-point numbers of 16 or 32 bits`,
    fix: 'save the adapter in one of these',
  });
}

/** Refuses an adapter that lacks a tensor: half of a pair, or all of a module that its config names. */
function checkComplete(what: string, sorted: SortedTensors, fields: AdapterFields, names: AdapterNames): void {
  if (fields.type === 'PROMPT_TUNING') {
    if (!sorted.prompt) throw missingTensors(what, ['prompt_embeddings']);
    return;
  }
  const missing: string[] = [];
  const wanted = fields.type === 'IA3' ? ['scale'] : ['a', 'b', ...(fields.decomposed ? ['magnitude'] : [])];
  for (const { matrix, found } of sorted.parts.values()) {
    for (const part of wanted) {
      if (!found[part as keyof MatrixParts]) missing.push(`${names.nameOf(matrix.checkpointModule)} (${part})`);
    }
  }
  if (sorted.parts.size === 0 && sorted.whole.size === 0) missing.push('every tensor');
  for (const target of fields.targets ?? []) missing.push(...absentModules(target, sorted, fields, names));
  if (missing.length > 0) throw missingTensors(what, missing);
}

/** Modules of the model that a target means and that have no tensors; the target itself when it means none. */
function absentModules(target: string, sorted: SortedTensors, fields: AdapterFields, names: AdapterNames): string[] {
  const inLayers = (module: string): boolean => {
    const layer = /\.(\d+)\./.exec(module)?.[1];
    return fields.layers === undefined || (layer !== undefined && fields.layers.includes(Number(layer)));
  };
  return names.matrices
    .map((matrix) => ({ matrix, module: names.nameOf(matrix.checkpointModule) }))
    .filter(({ module }) => meansModule(target, module) && inLayers(module))
    .filter(({ module }) => !(fields.excluded ?? []).some((one) => meansModule(one, module)))
    .filter(({ matrix: { spec } }) => !sorted.parts.has(spec.path) && !sorted.whole.has(spec.path))
    .map(({ module }) => module);
}
