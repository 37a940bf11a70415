/** x − max − ln Σ exp(x − max) over one row, [V], in double precision; −∞ stays −∞, not-a-numbers count as −∞. */
export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i] > -Infinity) sum += Math.exp(logits[i] - max);
  const shift = max + Math.log(sum);
  const out = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) out[i] = logits[i] > -Infinity ? logits[i] - shift : -Infinity;
  return out; // [V]
}
