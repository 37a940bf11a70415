import type { Model } from '@tesserae/core';
import { foreignCheckpoint } from './checkpoint-errors';
import type { Plain, RunIdentity } from './format';

/** What a checkpoint remembers of the model it belongs to. */
export function modelIdentity<C>({ architecture, config }: Model<C>): RunIdentity['model'] {
  return { architecture: architecture.name, ...(JSON.parse(JSON.stringify(config)) as Record<string, Plain>) };
}

/** The entries in which two records differ, as `name: here, there`. */
function differences(here: Record<string, Plain>, there: Record<string, Plain>): string[] {
  const show = (value: Plain | undefined): string => JSON.stringify(value) ?? 'absent';
  const sorted = (value: Plain | undefined): string =>
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'absent';
  return [...new Set([...Object.keys(here), ...Object.keys(there)])]
    .filter((name) => sorted(here[name]) !== sorted(there[name]))
    .map((name) => `${name} is ${show(here[name])} here and ${show(there[name])} in the checkpoint`);
}

/**
 * Makes sure that a checkpoint belongs to this run, and lists what differs without harm.
 *
 * @returns one clause for each thing that keeps the continuation from repeating the run bit for bit
 * @throws E_CHECKPOINT_FOREIGN when model, data or options are others
 */
export function compareIdentity(folder: string, here: RunIdentity, there: RunIdentity): string[] {
  const otherModel = differences(here.model, there.model ?? {});
  if (otherModel.length > 0) {
    throw foreignCheckpoint(
      folder,
      `another model wrote it (${otherModel.join('; ')})`,
      'resume with the model that it was made from',
      { differences: otherModel },
    );
  }
  if (here.data !== there.data) {
    throw foreignCheckpoint(
      folder,
      'it was made with other data (the fingerprints of the token ids differ)',
      'resume with the same data, tokenizer and validationFraction',
      { here: here.data, there: there.data },
    );
  }
  const otherOptions = differences(here.options, there.options ?? {});
  if (otherOptions.length > 0) {
    throw foreignCheckpoint(
      folder,
      `it was made with other options (${otherOptions.join('; ')})`,
      'resume with the same options, or load its model and start a new run from it',
      { differences: otherOptions },
    );
  }
  return differences(here.surroundings, there.surroundings ?? {});
}
