import { logSoftmax } from './log-softmax';
import { kthLargest } from './processors/kth-largest';

/** The log-probability of a token, in nats. */
export interface TokenLogprob {
  readonly id: number;
  /** What the model gives: the log-softmax of its logits. */
  readonly logprob: number;
  /** What the token was chosen by: the log-softmax after all processors; −∞ where they removed the token. */
  readonly processedLogprob: number;
}

/** Log-probabilities at one position. */
export interface TokenLogprobs {
  readonly chosen: TokenLogprob;
  /** The most likely tokens as the model sees them, the likeliest first. */
  readonly top: readonly TokenLogprob[];
}

/** The log-probabilities of the chosen token and of the `count` most likely ones. */
export function logprobsOf(id: number, raw: Float32Array, processed: Float32Array, count: number): TokenLogprobs {
  const before = logSoftmax(raw); // [V]
  const after = logSoftmax(processed); // [V]
  const of = (token: number): TokenLogprob => ({
    id: token,
    logprob: before[token],
    processedLogprob: after[token],
  });
  const wanted = Math.min(count, raw.length);
  if (wanted === 0) return { chosen: of(id), top: [] };
  const threshold = kthLargest(raw, wanted);
  const likely = Array.from(raw.keys()).filter((token) => raw[token] >= threshold);
  likely.sort((a, b) => raw[b] - raw[a] || a - b);
  return { chosen: of(id), top: likely.slice(0, wanted).map(of) };
}
