import { describeValue, tesseraeError } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../../options';
import { mixRows } from './mix-rows';
import type { MixEnd } from './mix-rows';
import { asSource, isRowSource } from './row-source';
import type { RowSource } from './row-source';

/** A source of a mix. */
export interface MixSource<R> {
  readonly source: RowSource<R>;
  /** How often it is drawn from, against the others; they need not add up to anything. */
  readonly weight: number;
}

/** Options of {@link mix}. */
export interface MixOptions {
  /** Decides the order of the draws, together with the epoch: 0. */
  readonly seed?: number;
  /**
   * When a pass ends: when the `first` source ends, or when `all` have ended once, those that end before beginning again,
   * as Hugging Face's `interleave_datasets` does: `all`.
   */
  readonly until?: MixEnd;
}

/**
 * Mixes sources by weights: each row comes from source i with probability wᵢ / Σ w.
 *
 * @param sources the sources with their weights
 * @param options seed, and when a pass ends
 * @returns a source of the rows of all
 * @throws E_OPTION and E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { mix, rowSource } from '@tesserae/trainer';
 * const old = rowSource(['a', 'b']);
 * const fresh = rowSource(['1', '2', '3', '4', '5', '6']);
 * const rows = await mix([{ source: fresh, weight: 3 }, { source: old, weight: 1 }], { seed: 1 }).toArray();
 * console.log(rows.includes('6'), rows.includes('b')); // → true true
 * ```
 */
export function mix<R>(sources: readonly MixSource<R>[], options: MixOptions = {}): RowSource<R> {
  checkOptions<MixOptions>('mix', options, { seed: rules.nonNegativeInteger, until: oneOf('first', 'all') });
  const list: readonly unknown[] = Array.isArray(sources) ? sources : [];
  const refuse = (message: string, fix: string): never => {
    throw tesseraeError({ package: 'trainer', plugin: 'mix', code: 'E_OPTION', message, fix });
  };
  if (list.length === 0) refuse('there is no source to mix', 'give [{ source, weight }, …]');
  list.forEach((one, i) => {
    const { source, weight } = (one ?? {}) as Partial<MixSource<unknown>>;
    if (!isRowSource(source))
      refuse(`number ${i} of the mix has no source of rows`, 'give { source: readRows(…), weight: 1 }');
    if (typeof weight !== 'number' || !(weight > 0 && weight < Infinity))
      refuse(`number ${i} of the mix has the weight ${describeValue(weight)}`, 'give a number > 0');
  });
  return asSource(mixRows(sources, options.seed ?? 0, options.until ?? 'all'));
}
