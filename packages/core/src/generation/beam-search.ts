import { kthLargest } from './processors/kth-largest';

/** Below every score: what cannot go on, or is not finished. */
const NEVER = -1e9;

/** The last token of a hypothesis, and the way back to its first. */
export interface BeamToken<T = unknown> {
  readonly id: number;
  readonly before: BeamToken<T> | undefined;
  /** What it was chosen from, for whoever asks for log-probabilities. */
  readonly from: T;
}

/** A text that the search follows or has finished. */
export interface Hypothesis<T = unknown> {
  readonly last: BeamToken<T> | undefined;
  /** Running: the sum of its log-probabilities; finished: that sum / lengthᵖ. */
  readonly score: number;
  /** Which row of the logits it continues. */
  readonly parent: number;
  readonly finished: boolean;
}

/** What decides the search. N beams. */
export interface BeamSetting {
  readonly numBeams: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean | 'never';
  /** Candidates that are looked at in each step; enough that N go on if every stop token comes up everywhere. */
  readonly candidates: number;
  readonly maxNewTokens: number;
}

/** The search for one prompt. */
export interface Beams<T = unknown> {
  /** N hypotheses that go on, the best first. */
  readonly running: readonly Hypothesis<T>[];
  /** N best finished ones, the best first; those not found yet are not `finished`. */
  readonly finished: readonly Hypothesis<T>[];
  /** Whether a running one may still beat a finished one. */
  readonly improvable: boolean;
  /** Whether every candidate of the last step ended. */
  readonly exhausted: boolean;
}

/** What one step has to go by. */
export interface BeamStep<T> {
  /** Log-probabilities after the processors, per beam [V]. */
  readonly logProbabilities: readonly Float32Array[];
  readonly from: readonly T[];
  /** Added to the scores before candidates are taken, [N · V]: Gumbel noise draws them without replacement. */
  readonly noise?: Float32Array | undefined;
  /** Whether a text is finished by its last token. */
  ends(last: BeamToken<T>): boolean;
}

/** Only the first beam counts in the first step, or all would be the same. */
export function startBeams<T>({ numBeams }: BeamSetting): Beams<T> {
  const make = (score: number): Hypothesis<T> => ({ last: undefined, score, parent: 0, finished: false });
  return {
    running: Array.from({ length: numBeams }, (_, beam) => make(beam === 0 ? 0 : NEVER)),
    finished: Array.from({ length: numBeams }, () => make(NEVER)),
    improvable: true,
    exhausted: false,
  };
}

/** The indices of the `count` largest, the largest first, the earlier of two that are equal. */
export function largest(values: Float32Array, count: number): number[] {
  const wanted = Math.min(count, values.length);
  const threshold = kthLargest(values, wanted);
  const above: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] >= threshold) above.push(i);
  return above.sort((a, b) => values[b] - values[a] || a - b).slice(0, wanted);
}

const best = <T>(hypotheses: readonly Hypothesis<T>[], count: number): Hypothesis<T>[] =>
  largest(
    Float32Array.from(hypotheses, ({ score }) => score),
    count,
  ).map((i) => hypotheses[i]);

/** The best continuations of all beams, with the sums of their log-probabilities. */
function continuations<T>(beams: Beams<T>, step: BeamStep<T>, count: number): Hypothesis<T>[] {
  const vocabulary = step.logProbabilities[0].length;
  const sums = new Float32Array(beams.running.length * vocabulary); // [N · V]
  step.logProbabilities.forEach((values, beam) => {
    const { score } = beams.running[beam];
    for (let id = 0; id < vocabulary; id++) sums[beam * vocabulary + id] = values[id] + score;
  });
  const { noise } = step;
  const order = largest(noise ? sums.map((sum, i) => sum + noise[i]) : sums, count);
  return order.map((place) => {
    const beam = Math.floor(place / vocabulary);
    const last = { id: place % vocabulary, before: beams.running[beam].last, from: step.from[beam] };
    return { last, score: sums[place], parent: beam, finished: step.ends(last) };
  });
}

/** Whether the best running hypothesis may still beat the worst finished one, by the rule of `earlyStopping`. */
function mayImprove<T>(
  { score }: Hypothesis<T>,
  finished: readonly Hypothesis<T>[],
  length: number,
  { earlyStopping, lengthPenalty, maxNewTokens }: BeamSetting,
): boolean {
  const reachable = earlyStopping === 'never' && lengthPenalty > 0 ? maxNewTokens : length;
  const possible = score / reachable ** lengthPenalty;
  const worst = Math.min(...finished.map((one) => one.score));
  return finished.some((one) => possible > (one.finished ? worst : NEVER));
}

/**
 * One step of beam search: the best continuations of all beams are taken; those that ended and are among the first N
 * compete for the finished places by sum / lengthᵖ, the best N of the others go on.
 *
 * @param beams where the search stands
 * @param step log-probabilities of every beam
 * @param length new tokens after this step
 * @returns where it stands then
 * @see `_beam_search` of transformers 5
 */
export function advance<T>(beams: Beams<T>, step: BeamStep<T>, length: number, setting: BeamSetting): Beams<T> {
  const { numBeams, lengthPenalty, earlyStopping } = setting;
  const candidates = continuations(beams, step, setting.candidates);
  const running = best(
    candidates.map((one) => ({ ...one, score: one.finished ? Math.fround(one.score + NEVER) : one.score })),
    numBeams,
  );
  const full = earlyStopping === true && beams.finished.every((one) => one.finished);
  const closed = full || !beams.improvable;
  const ended = candidates.map((one, rank): Hypothesis<T> => {
    const wins = one.finished && rank < numBeams && !closed; // what comes after the first N is there to go on
    return { ...one, score: wins ? one.score / length ** lengthPenalty : NEVER, finished: wins };
  });
  const finished = best([...beams.finished, ...ended], numBeams);
  return {
    running,
    finished,
    improvable: beams.improvable && mayImprove(running[0], finished, length, setting),
    exhausted: candidates.every((one) => one.finished),
  };
}

/** Whether the search is over, for all prompts together. */
export function isOver(all: readonly Beams[], { earlyStopping }: BeamSetting): boolean {
  const improvable = all.some((beams) => beams.improvable);
  const complete = earlyStopping === true && all.every((beams) => beams.finished.every((one) => one.finished));
  return !improvable || complete || all.every((beams) => beams.exhausted);
}

/** The tokens of a hypothesis, the first first. */
export function tokensOf<T>({ last }: Hypothesis<T>): BeamToken<T>[] {
  const tokens: BeamToken<T>[] = [];
  for (let token = last; token; token = token.before) tokens.push(token);
  return tokens.reverse();
}
