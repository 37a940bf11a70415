import { describeValue } from '@tesserae/registry';
import { displayError } from '../errors/display-error';

const BARS = '▁▂▃▄▅▆▇█';

/**
 * Draws numbers in a single line of text, each a bar between the lowest and the highest; neighbours are averaged where
 * there are more numbers than columns. What is not finite is a space.
 *
 * @param values the numbers
 * @param columns the most characters. Default 40.
 * @returns the line
 * @throws E_CHART_DATA when it is given no list of numbers
 *
 * Reference: Tufte, "Beautiful Evidence" (2006).
 *
 * @example
 * ```ts
 * import { sparkline } from '@tesserae/display';
 *
 * console.log(sparkline([5, 3, 2, 1.5, 1])); // → █▅▃▂▁
 * ```
 */
export function sparkline(values: ArrayLike<number>, columns = 40): string {
  if (typeof values !== 'object' || values === null || typeof values.length !== 'number')
    throw displayError('E_CHART_DATA', `sparkline was given ${describeValue(values)}`, 'pass a list of numbers');
  const means = binned(Array.from(values), Math.max(1, Math.floor(columns)));
  const finite = means.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const bar = (value: number): string =>
    BARS[high > low ? Math.round(((value - low) / (high - low)) * (BARS.length - 1)) : 0];
  return means.map((value) => (Number.isFinite(value) ? bar(value) : ' ')).join('');
}

/** Averages of equal shares of some numbers, at most so many; what is not finite is left out. */
function binned(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, i) => {
    const share = values.slice(Math.floor((i * values.length) / most), Math.floor(((i + 1) * values.length) / most));
    const finite = share.filter(Number.isFinite);
    return finite.length === 0 ? NaN : finite.reduce((a, b) => a + b) / finite.length;
  });
}
