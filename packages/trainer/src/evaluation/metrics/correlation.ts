import { checkPairs } from './check-pairs';

const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
};

/**
 * The linear correlation of two lists of numbers (Pearson's r).
 *
 * r = Σ (xᵢ - x̄)(yᵢ - ȳ) / √(Σ (xᵢ - x̄)² Σ (yᵢ - ȳ)²)
 *
 * @param x [N]
 * @param y [N]
 * @returns from -1 to 1; NaN where one of the lists is constant
 * @throws E_METRIC_INPUT when the lists differ in length or are empty
 *
 * Reference: `scipy.stats.pearsonr`.
 *
 * @example
 * ```ts
 * import { pearsonCorrelation } from '@tesserae/trainer';
 * console.log(pearsonCorrelation([1, 2, 3], [2, 4, 7]).toFixed(4)); // → 0.9934
 * ```
 */
export function pearsonCorrelation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  checkPairs('pearsonCorrelation', ['x', x], ['y', y]);
  const [meanX, meanY] = [meanOf(x), meanOf(y)];
  let [both, squaresX, squaresY] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i] - meanX, y[i] - meanY];
    both += dx * dy;
    squaresX += dx * dx;
    squaresY += dy * dy;
  }
  return Math.max(-1, Math.min(1, both / Math.sqrt(squaresX * squaresY))); // NaN stays NaN
}

/** The rank of each number from 1 on; equal numbers share the mean of their ranks. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Float64Array(values.length);
  for (let i = 0; i < order.length;) {
    let end = i + 1;
    while (end < order.length && values[order[end]] === values[order[i]]) end++;
    for (let j = i; j < end; j++) found[order[j]] = (i + 1 + end) / 2;
    i = end;
  }
  return found;
}

/**
 * The correlation of the ranks of two lists of numbers (Spearman's ρ); equal numbers share their mean rank.
 *
 * ρ = r(rank x, rank y)
 *
 * @param x [N]
 * @param y [N]
 * @returns from -1 to 1; NaN where one of the lists is constant
 * @throws E_METRIC_INPUT when the lists differ in length or are empty
 *
 * Reference: `scipy.stats.spearmanr`.
 *
 * @example
 * ```ts
 * import { spearmanCorrelation } from '@tesserae/trainer';
 * console.log(spearmanCorrelation([1, 2, 3], [10, 100, 1000])); // → 1
 * ```
 */
export function spearmanCorrelation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  checkPairs('spearmanCorrelation', ['x', x], ['y', y]);
  return pearsonCorrelation(ranks(x), ranks(y));
}
