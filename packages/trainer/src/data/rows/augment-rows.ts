import { createKey, foldIn, permutation, uniform } from '@tesserae/core';
import type { Plain } from '../../checkpoints/format';
import { checkExample } from '../../augmentation/augmentation-errors';
import type { Augmenter, TextExample } from '../../augmentation/augmenter';
import { mapRows } from './transform-rows';
import { pluginOf } from '../worker/plugin-description';
import type { RowCore, SourceDescription } from './row-core';

/** How the rows of a source are augmented. */
export interface AugmentRowsOptions {
  /** Share of the rows that are changed, drawn anew in every epoch: 0.5. */
  readonly share?: number;
  /** Decides, together with epoch and place of a row, what becomes of it: 0. */
  readonly seed?: number;
  /** The column that holds the text: `text`. */
  readonly column?: string;
}

/**
 * Rows of which a share is changed by augmenters, in every epoch another share and in another way; what is made follows from
 * seed, epoch and the place of the row alone. Each changed row goes through one augmenter, the first in a random order that
 * makes something of it.
 */
export function augmentRows<R>(
  source: RowCore<R>,
  augmenters: readonly Augmenter[],
  { share = 0.5, seed = 0, column = 'text' }: AugmentRowsOptions,
): RowCore<R> {
  const described = augmenters.map((one) => pluginOf('augmenter', one));
  const description: SourceDescription | undefined = described.includes(undefined)
    ? undefined
    : { augmenters: described as unknown as Plain, options: { share, seed, column } };
  const identity = JSON.stringify([share, seed, column, augmenters.map((one) => [one.name, one.hyperparameters])]);
  const root = createKey(seed);
  return mapRows<R, R>(
    source,
    async (row, { index, epoch }) => {
      const key = foldIn(foldIn(root, epoch), index);
      if (uniform(foldIn(key, 0), 1)[0] >= share) return row;
      const given = row as unknown as Record<string, unknown>;
      const example = column === 'text' ? given : { ...given, text: given[column] };
      checkExample('augment', example);
      for (const at of permutation(foldIn(key, 1), augmenters.length)) {
        const made = await augmenters[at].augment(example, foldIn(key, 2 + at));
        const changed = made.find(({ text }) => text !== example.text);
        if (changed !== undefined) return restore(changed, given, column) as R;
      }
      return row;
    },
    { kind: 'augment', identity, description },
  );
}

/** The changed example with its text in the column where it was. */
function restore(made: TextExample, given: Readonly<Record<string, unknown>>, column: string): object {
  if (column === 'text') return made;
  const row: Record<string, unknown> = { ...made, [column]: made.text };
  if (Object.hasOwn(given, 'text')) row.text = given.text;
  else delete row.text;
  return row;
}
