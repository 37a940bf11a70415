import { checkOptions } from '../../options';

/** How several sequences are put into one row. */
export interface PackingOptions {
  /** Sequences that are looked at together: more fill rows better and mix less of the order. 1000. */
  readonly buffer?: number;
}

/** Packing with its defaults filled in; nothing where rows are not packed. */
export function packingOf(packing: boolean | PackingOptions | undefined): Required<PackingOptions> | undefined {
  if (packing === undefined || packing === false) return undefined;
  return { buffer: 1000, ...(packing === true ? {} : packing) };
}

/** @throws E_UNKNOWN_OPTION, E_OPTION */
export function checkPackingOptions(packing: PackingOptions): void {
  checkOptions<PackingOptions>('train', packing, {
    buffer: {
      expected: 'a whole number from 2 up',
      test: (value) => Number.isSafeInteger(value) && (value as number) >= 2,
    },
  });
}
