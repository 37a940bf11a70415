import { modelMatrices } from '@tesserae/core';
import type { ArchitectureConfig, Model, ModelMatrix } from '@tesserae/core';
import { nearestName, tesseraeError } from '@tesserae/registry';

/** Names of modules: the ends of paths (`query`, `layers.0.feedForward.up`), those of checkpoints (`q_proj`), or patterns. */
export type Targets = string | readonly (string | RegExp)[];

/** What a rule for targets looks like in messages. */
export const targetsRule = {
  expected: "'all-linear', or a list of names and regular expressions such as ['query', 'value']",
  test: (value: unknown): boolean =>
    value === 'all-linear' ||
    (Array.isArray(value) &&
      value.length > 0 &&
      value.every((one) => (typeof one === 'string' && one !== '') || one instanceof RegExp)),
};

/** The parameters of what stands on the body. */
export const isHead = (path: string): boolean => /^(classifier|span)\./.test(path);

/** Heads and outputs, which `all-linear` leaves alone. */
const isOutput = (path: string): boolean => isHead(path) || /^outputEmbedding\./.test(path);

/** Whether a name or pattern means a module: its whole name, its end after a dot, or a match. */
export function means(
  target: string | RegExp,
  { module, checkpointModule }: Pick<ModelMatrix, 'module' | 'checkpointModule'>,
): boolean {
  return [module, checkpointModule].some((name) =>
    typeof target === 'string'
      ? name === target || name.endsWith(`.${target}`)
      : new RegExp(target.source, target.flags.replace('g', '')).test(name),
  );
}

/** The value of a pattern table for a module: the first name that means it, or that matches its end as PEFT's do. */
export function patternValue(
  table: Readonly<Record<string, number>> | undefined,
  matrix: Pick<ModelMatrix, 'module' | 'checkpointModule'>,
): number | undefined {
  const found = Object.keys(table ?? {}).find((name) => means(name, matrix));
  return found === undefined ? undefined : table![found];
}

/**
 * The matrices that targets name.
 *
 * @throws E_ADAPTER_TARGET for a name that is none of the model's, or when nothing is left
 */
export function findTargets<C>(speaker: string, model: Model<C>, targets: Targets): ModelMatrix[] {
  const all = modelMatrices(model);
  if (targets === 'all-linear') {
    return nonEmpty(
      speaker,
      all.filter(({ spec, isTable: table }) => !table && !isOutput(spec.path)),
      all,
    );
  }
  const list = (typeof targets === 'string' ? [targets] : targets) as readonly (string | RegExp)[];
  const unknown = list.filter((target) => !all.some((matrix) => means(target, matrix)));
  if (unknown.length > 0) throw unknownTarget(speaker, unknown.map(String), all);
  return nonEmpty(
    speaker,
    all.filter((matrix) => list.some((target) => means(target, matrix))),
    all,
  );
}

/** Paths of the plain parameters of whole modules: `classifier` and all under it. */
export function findWhole<C>(speaker: string, model: Model<C>, modules: readonly string[]): string[] {
  const specs = model.architecture.parameters(model.config);
  const inside = (name: string, module: string): boolean => `.${name}.`.includes(`.${module}.`);
  const unknown = modules.filter(
    (module) => !specs.some(({ path, checkpointName }) => inside(path, module) || inside(checkpointName, module)),
  );
  if (unknown.length > 0) throw unknownTarget(speaker, unknown, modelMatrices(model));
  return specs
    .filter(({ path, checkpointName }) =>
      modules.some((module) => inside(path, module) || inside(checkpointName, module)),
    )
    .map(({ path }) => path);
}

/** The heads that are new with a task, which an adapter learns as a whole. */
export function headOf<C>(model: Model<C>): string[] {
  const { head } = model.config as unknown as ArchitectureConfig;
  const isNew = head === 'sequence-classification' || head === 'token-classification' || head === 'question-answering';
  return isNew
    ? model.architecture
        .parameters(model.config)
        .map(({ path }) => path)
        .filter(isHead)
    : [];
}

function nonEmpty(speaker: string, found: ModelMatrix[], all: readonly ModelMatrix[]): ModelMatrix[] {
  if (found.length > 0) return found;
  throw unknownTarget(speaker, ['all-linear'], all);
}

function unknownTarget(speaker: string, names: readonly string[], all: readonly ModelMatrix[]): Error {
  const last = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
  const known = [...new Set(all.flatMap(({ module, checkpointModule }) => [last(module), last(checkpointModule)]))];
  const nearest = nearestName(names[0], known);
  return tesseraeError({
    package: 'trainer',
    plugin: speaker,
    code: 'E_ADAPTER_TARGET',
    message: `the model has no module ${names.join(', ')}${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
    fix: `use names such as ${known.slice(0, 16).join(', ')}`,
    details: { unknown: names, known },
  });
}

/** Refuses a matrix that an adapter of this kind cannot stand around. */
export function refuseTable(speaker: string, { module }: ModelMatrix): never {
  throw tesseraeError({
    package: 'trainer',
    plugin: speaker,
    code: 'E_ADAPTER_TARGET',
    message: `${module} is a table whose rows are looked up, and ${speaker} changes products alone`,
    fix: 'leave it out of the targets',
  });
}
