import { generateAll } from '@tesserae/core';
import type { GenerateOptions, Model } from '@tesserae/core';
import type { GoldenFolder, GoldenRun } from './golden';
import { compare, compareTokens, tolerances } from './report';
import type { VerifyRow } from './report';

/** Arguments that greedy generation does not look at. */
const idle = ['temperature', 'top_k', 'top_p', 'use_cache'];

/** Options of a run, or the first of its arguments that cannot be done. */
function readOptions(kwargs: GoldenRun['kwargs']): { options: GenerateOptions; pad: number } | { cannot: string } {
  let options: GenerateOptions = { stopTokens: [], logits: true };
  let pad = 0;
  for (const [name, value] of Object.entries(kwargs)) {
    const number = typeof value === 'number' ? value : undefined;
    if (value === null || idle.includes(name)) continue;
    else if (name === 'pad_token_id' && number !== undefined) pad = number;
    else if (name === 'max_new_tokens') options = { ...options, maxNewTokens: number };
    else if (name === 'repetition_penalty') options = { ...options, repetitionPenalty: number };
    else if (name === 'no_repeat_ngram_size') options = { ...options, noRepeatNgramSize: number };
    else if (name === 'eos_token_id')
      options = { ...options, stopTokens: number === undefined ? (value as number[]) : [number] };
    else if (!(name === 'do_sample' && value === false) && !(name.startsWith('num_') && value === 1))
      return { cannot: name };
  }
  return { options, pad };
}

/** Runs one greedy generation, and compares its tokens, sequences and logits. */
async function checkRun(
  name: string,
  model: Model,
  run: GoldenRun,
  options: GenerateOptions,
  pad: number,
  { golden, tensor }: GoldenFolder,
): Promise<VerifyRow[]> {
  const { input_ids: ids, attention_mask: mask } = golden.generate!.prompt.ints;
  const chosen = run.prompt_rows ?? ids.map((_, row) => row);
  const prompts = chosen.map((row) => ids[row].filter((_, t) => !mask || mask[row][t] === 1));
  const processed: number[] = []; // the highest logit of each step, which greedy generation takes
  const watch = (logits: Float32Array): void => void processed.push(logits.reduce((a, b) => Math.max(a, b)));
  const sequences = await generateAll(model, prompts, { ...options, processors: [watch] });
  const found = sequences.map((sequence) => sequence.ids);
  const steps = Math.max(...found.map((row) => row.length));
  const padded = found.map((row, i) => [...ids[chosen[i]], ...row, ...Array<number>(steps - row.length).fill(pad)]);
  const rows = [
    compareTokens(`generate.${name}.new_tokens`, found, run.new_tokens),
    compareTokens(`generate.${name}.sequences`, padded, run.sequences),
  ];
  if (run.step_logits !== undefined) {
    // [steps, B, V]
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

/** Compares every generation run that is greedy, and names the others. */
export async function checkGeneration(model: Model, folder: GoldenFolder, notDone: string[]): Promise<VerifyRow[]> {
  const rows: VerifyRow[] = [];
  for (const [name, run] of Object.entries(folder.golden.generate?.runs ?? {})) {
    const read = readOptions(run.kwargs);
    if ('cannot' in read) notDone.push(`generate.${name} (${read.cannot})`);
    else rows.push(...(await checkRun(name, model, run, read.options, read.pad, folder)));
  }
  return rows;
}
