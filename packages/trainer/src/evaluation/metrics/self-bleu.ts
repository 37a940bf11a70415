import { bleu } from './bleu';
import { metricInput } from './check-pairs';
import { checkTextList } from './distinct-n';

/**
 * How alike texts are to each other: the mean BLEU of each of them with all others as its references.
 *
 * Self-BLEU = (1/N) Σᵢ BLEU(xᵢ, {xⱼ : j ≠ i}), of single sentences (effective order)
 *
 * @param texts [N], N ≥ 2; the work grows with N²
 * @returns from 0 (nothing in common) to 100 (all the same)
 * @throws E_METRIC_INPUT for fewer than two texts, or something else in the list
 *
 * Zhu et al.: "Texygen: A Benchmarking Platform for Text Generation Models" (2018), section 3.
 *
 * @example
 * ```ts
 * import { selfBleu } from '@tesserae/trainer';
 * console.log(selfBleu(['one two three', 'four five six']), Math.round(selfBleu(['a b c d', 'a b c d']))); // → 0 100
 * ```
 */
export function selfBleu(texts: readonly string[]): number {
  checkTextList('selfBleu', texts);
  if (texts.length < 2) throw metricInput('selfBleu', 'there is one text, and none to compare it with', 'give two');
  const scores = texts.map((text, i) => {
    const others = texts.filter((_, j) => j !== i);
    return bleu([text], [others], { effectiveOrder: true }).score;
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
