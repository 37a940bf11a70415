import { generateAll } from '@tesserae/core';
import type { GeneratedSequence, GenerateOptions, Model } from '@tesserae/core';
import { readGenerationFields } from '../generation-config/read-generation-config';
import type { GoldenFolder, GoldenRun } from './golden';
import { compare, compareTokens, tolerances } from './report';
import type { VerifyRow } from './report';

/** What a run asks for. */
interface RunPlan {
  readonly options: GenerateOptions;
  /** What finished rows are filled with in `sequences`. */
  readonly pad: number;
}

/** Options of a run, or the first of its arguments that cannot be done. */
function readRun({ kwargs }: GoldenRun): RunPlan | { cannot: string } {
  const { options, cannot, unknown } = readGenerationFields(kwargs, 'golden.json');
  if (cannot.length + unknown.length > 0) return { cannot: [...cannot, ...unknown][0] };
  if (options.doSample) return { cannot: 'do_sample' }; // draws of another generator
  const given = typeof kwargs.pad_token_id === 'number' ? kwargs.pad_token_id : 0;
  const [firstStop] = options.stopTokens ?? [];
  const searched = (options.numBeams ?? 1) > 1;
  // the reference's beam search takes a pad of 0 for none
  const pad = searched && given === 0 && firstStop !== undefined ? firstStop : given;
  return { options: { stopTokens: [], ...options }, pad };
}

/** The reference's `sequences`: what the decoder began with, as it was given, and the new tokens. */
function withBeginnings(
  model: Model,
  run: GoldenRun,
  found: readonly GeneratedSequence[],
  pad: number,
  ids: number[][],
) {
  const steps = Math.max(...found.map((one) => one.ids.length));
  const chosen = run.prompt_rows ?? ids.map((_, row) => row);
  const each = found.length / chosen.length;
  const start = run.kwargs.decoder_start_token_id ?? model.config.decoderStartTokenId;
  return found.map((one, i) => [
    ...(model.architecture.encode ? [start as number] : ids[chosen[Math.floor(i / each)]]),
    ...one.ids,
    ...Array<number>(steps - one.ids.length).fill(pad),
  ]);
}

/** Runs one generation, and compares its tokens, sequences, scores and logits. */
async function checkRun(
  name: string,
  model: Model,
  run: GoldenRun,
  { options, pad }: RunPlan,
  { golden, tensor }: GoldenFolder,
): Promise<VerifyRow[]> {
  const { input_ids: ids, attention_mask: mask } = golden.generate!.prompt.ints;
  const chosen = run.prompt_rows ?? ids.map((_, row) => row);
  const prompts = chosen.map((row) => ids[row].filter((_, t) => !mask || mask[row][t] === 1));
  const processed: number[] = []; // the highest logit of each step, which greedy generation takes
  const watch = (logits: Float32Array): void => void processed.push(logits.reduce((a, b) => Math.max(a, b)));
  const searched = (options.numBeams ?? 1) > 1;
  const watched = searched ? options : { ...options, logits: true, processors: [watch] };
  const sequences = await generateAll({ ...model, generation: undefined }, prompts, watched);
  const found = sequences.map((sequence) => sequence.ids);
  const whole = withBeginnings(model, run, sequences, pad, ids);
  const rows = [
    compareTokens(`generate.${name}.new_tokens`, found, run.new_tokens),
    compareTokens(`generate.${name}.sequences`, whole, run.sequences),
  ];
  if (run.sequences_scores !== undefined) {
    const scores = sequences.map(({ score }) => score ?? NaN);
    rows.push(compare(`generate.${name}.sequences_scores`, scores, run.sequences_scores, tolerances.loss));
  }
  if (run.step_logits !== undefined && !searched) {
    // [steps, B, V]
    const steps = Math.max(...found.map((row) => row.length));
    const logits = Array.from({ length: steps }, (_, step) =>
      sequences.flatMap((one) => [...(one.logits![step] ?? [])]),
    );
    rows.push(compare(`generate.${name}.step_logits`, logits.flat(), tensor(run.step_logits), tolerances.output));
  }
  if (run.chosen_scores_after_processors !== undefined && prompts.length === 1) {
    const expected = run.chosen_scores_after_processors;
    rows.push(compare(`generate.${name}.chosen_scores`, processed, expected, tolerances.output));
  }
  return rows;
}

/** Compares every generation run, greedy and with beams, and names those that draw at random. */
export async function checkGeneration(model: Model, folder: GoldenFolder, notDone: string[]): Promise<VerifyRow[]> {
  const rows: VerifyRow[] = [];
  for (const [name, run] of Object.entries(folder.golden.generate?.runs ?? {})) {
    const read = readRun(run);
    if ('cannot' in read) notDone.push(`generate.${name} (${read.cannot})`);
    else rows.push(...(await checkRun(name, model, run, read, folder)));
  }
  return rows;
}
