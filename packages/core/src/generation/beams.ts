import { foldIn, uniform } from '../random/index';
import type { Key } from '../model/types';
import { advance, isOver, startBeams, tokensOf } from './beam-search';
import type { Beams, BeamSetting, BeamToken, Hypothesis } from './beam-search';
import { logSoftmax } from './log-softmax';
import type { GenerationPlan } from './plan';
import { checkNumber, refuseOption } from './processors/processor';
import type { LogitsProcessor } from './processors/processor';
import type { Session } from './session';

/** What a token of a hypothesis was chosen from, [V] each; kept only where somebody asks. */
export interface BeamLogits {
  readonly raw: Float32Array;
  readonly processed: Float32Array;
}

/** A finished text of a beam search. */
export interface BeamSequence {
  readonly tokens: readonly BeamToken<BeamLogits | undefined>[];
  /** The sum of its tokens' log-probabilities / lengthᵖ. */
  readonly score: number;
}

/** One prompt of a beam search. */
export interface BeamPrompt {
  readonly ids: readonly number[];
  readonly encoderIds?: readonly number[] | undefined;
  readonly key: Key;
}

/** A beam search over several prompts. */
export interface BeamJob {
  readonly prompts: readonly BeamPrompt[];
  readonly plan: GenerationPlan;
  readonly processors: readonly LogitsProcessor[];
  readonly setting: BeamSetting;
  /** Whether new ids hold a stop string. */
  readonly hitsStop: ((prompt: number, ids: readonly number[]) => boolean) | undefined;
}

/** Checks the options of a beam search. */
export function beamSetting(
  { options, stopTokens, numBeams, numReturnSequences }: GenerationPlan,
  maxNewTokens: number,
): BeamSetting {
  const { earlyStopping = false, lengthPenalty = 1 } = options;
  if (typeof earlyStopping !== 'boolean' && earlyStopping !== 'never')
    refuseOption('earlyStopping', earlyStopping, "true, false or 'never'");
  if (numReturnSequences > numBeams)
    refuseOption('numReturnSequences', numReturnSequences, `at most numBeams, ${numBeams}, or sample without beams`);
  return {
    numBeams,
    earlyStopping,
    lengthPenalty: checkNumber('lengthPenalty', lengthPenalty),
    candidates: Math.max(2, 1 + stopTokens.size) * numBeams,
    maxNewTokens,
  };
}

/** −ln(−ln u): the k largest of log-probabilities plus this are k draws without replacement (Kool et al., 2019). */
function gumbel(key: Key, size: number): Float32Array {
  return uniform(key, size).map((u) => -Math.log(-Math.log(Math.max(u, 2 ** -25))));
}

type Search = Beams<BeamLogits | undefined>;

/** One step for one prompt. */
function stepOf(job: BeamJob, at: number, beams: Search, logits: readonly Float32Array[], length: number): Search {
  const { plan, setting, processors } = job;
  const { ids: prompt, encoderIds, key } = job.prompts[at];
  const keep = plan.logits || plan.logprobs !== undefined;
  const from: (BeamLogits | undefined)[] = [];
  const logProbabilities = logits.map((raw, beam) => {
    const values = Float32Array.from(logSoftmax(raw)); // [V]
    const written = tokensOf(beams.running[beam]).map(({ id }) => id);
    const context = { ids: [...prompt, ...written], promptLength: prompt.length, encoderIds };
    for (const processor of processors) processor(values, context);
    from.push(keep ? { raw, processed: values } : undefined);
    return values;
  });
  const size = setting.numBeams * logits[0].length;
  const noise = plan.sampling ? gumbel(foldIn(key, length - 1), size) : undefined;
  const ends = (last: BeamToken<BeamLogits | undefined>): boolean => {
    if (length >= setting.maxNewTokens || plan.stopTokens.has(last.id)) return true;
    const hypothesis = { last, score: 0, parent: 0, finished: false };
    return job.hitsStop?.(at, tokensOf(hypothesis).map(({ id }) => id)) ?? false; // prettier-ignore
  };
  return advance(beams, { logProbabilities, from, noise, ends }, length, setting);
}

/** The rows of a step for all prompts, N each: ids, positions, and which rows of the step before they continue. */
function nextRows({ prompts }: BeamJob, all: readonly Search[], length: number): [Int32Array, Int32Array, Int32Array] {
  const rows = all.flatMap(({ running }, at) =>
    running.map((one: Hypothesis) => ({
      id: one.last!.id,
      position: prompts[at].ids.length + length - 1,
      parent: length === 1 ? at : at * running.length + one.parent, // the prompts ran once each
    })),
  );
  return [
    Int32Array.from(rows, ({ id }) => id),
    Int32Array.from(rows, ({ position }) => position),
    Int32Array.from(rows, ({ parent }) => parent),
  ];
}

/**
 * Beam search: follows the N most likely continuations of each prompt side by side, and keeps the N best that ended.
 *
 * @param session where the prompts stand
 * @param job prompts and setting
 * @param turn called between steps
 * @returns per prompt the best sequences, `numReturnSequences` of them, the best first
 */
export async function searchBeams(
  session: Session,
  job: BeamJob,
  turn: () => Promise<void>,
): Promise<BeamSequence[][]> {
  const { prompts, setting, plan } = job;
  const { numBeams } = setting;
  let all: Search[] = prompts.map(() => startBeams(setting));
  let logits = await session.prefill(); // [B, V]
  const vocabulary = logits.length / prompts.length;
  const row = (index: number): Float32Array => logits.slice(index * vocabulary, (index + 1) * vocabulary);
  for (let length = 1; ; length++) {
    all = all.map((beams, at) => {
      const place = (beam: number): number => (length === 1 ? at : at * numBeams + beam);
      const rows = Array.from({ length: numBeams }, (_, beam) => row(place(beam)));
      return stepOf(job, at, beams, rows, length);
    });
    if (isOver(all, setting)) break;
    await turn();
    logits = await session.step(...nextRows(job, all, length)); // [B · N, V]
  }
  return all.map(({ finished }) =>
    finished.slice(0, plan.numReturnSequences).map((one) => ({ tokens: tokensOf(one), score: one.score })),
  );
}
