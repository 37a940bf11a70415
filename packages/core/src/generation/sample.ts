import { tesseraeError } from '@tesserae/registry';

/** exp(logit − max) / sum over one row, [V]; −∞ gives 0. */
export function softmax(logits: Float32Array): Float32Array {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  const out = new Float32Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i] !== -Infinity) sum += out[i] = Math.exp(logits[i] - max);
  for (let i = 0; i < logits.length; i++) out[i] /= sum;
  return out;
}

const noChoice = (): never => {
  throw tesseraeError({
    package: 'core',
    code: 'E_NO_TOKEN',
    message: 'no token is left to choose: every logit is −∞ or not a number',
    fix: 'check the model (a non-finite weight?) and loosen the processors that remove tokens',
  });
};

/** The most likely token; the first of several. */
export function argmax(logits: Float32Array): number {
  let best = -1;
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i] > max) {
      max = logits[i];
      best = i;
    }
  }
  return best < 0 ? noChoice() : best;
}

/** The token at which the cumulated probabilities pass `draw`, a number in [0, 1). */
export function sample(logits: Float32Array, draw: number): number {
  const max = logits[argmax(logits)];
  if (!Number.isFinite(max)) noChoice();
  const weights = new Float64Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i] === -Infinity) continue; // as filters leave most of them
    const weight = Math.exp(logits[i] - max);
    if (weight > 0) sum += weights[i] = weight; // a NaN never wins
  }
  let left = draw * sum;
  let last = -1;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    if ((left -= weights[i]) < 0) return i;
  }
  return last;
}
