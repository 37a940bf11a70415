import type { EvaluationResult, MaskedSample } from '@tesserae/trainer';

/** The share of right pronouns and of right animals: gaps come in pairs, in this order. */
export function evaluateAnswers({ samples }: EvaluationResult): [pronouns: number, animals: number] {
  const right = (samples as readonly MaskedSample[]).map(({ rank }) => (rank === 0 ? 1 : 0));
  const share = (first: number): number => {
    const some = right.filter((_, i) => i % 2 === first);
    return some.reduce((sum: number, one) => sum + one, 0) / some.length;
  };
  return [share(0), share(1)];
}
