import { foldIn, normal, uniform } from '@tesserae/core';
import type { Key } from '@tesserae/core';

/**
 * A number from Beta(α, α), by two from Gamma(α, 1); their logarithms, since for a small α they are too small to be held.
 *
 * Marsaglia and Tsang: "A Simple Method for Generating Gamma Variables" (2000), section 8 for α < 1.
 */
export function drawBeta(key: Key, alpha: number): number {
  const [one, other] = [0, 1].map((side) => logGamma(foldIn(key, side), alpha));
  return 1 / (1 + Math.exp(other - one));
}

function logGamma(key: Key, alpha: number): number {
  const raised = alpha < 1 ? alpha + 1 : alpha;
  const d = raised - 1 / 3;
  for (let attempt = 1; ; attempt++) {
    const own = foldIn(key, attempt);
    const [x] = normal(foldIn(own, 0), 1);
    const [u, w] = uniform(foldIn(own, 1), 2);
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v <= 0 || Math.log(u) >= 0.5 * x * x + d - d * v + d * Math.log(v)) continue;
    return Math.log(d * v) + (alpha < 1 ? Math.log(w) / alpha : 0);
  }
}
