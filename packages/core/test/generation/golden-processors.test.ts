import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  noRepeatNgramProcessor,
  readSafetensors,
  repetitionPenaltyProcessor,
  temperatureProcessor,
  topKProcessor,
  topPProcessor,
} from '@tesserae/core';
import type { LogitsProcessor } from '@tesserae/core';

interface Case {
  name: string;
  processor: string;
  kwargs: Record<string, number>;
  output: string;
  neg_inf: number;
}

const folder = path.join(__dirname, '../../../../test/golden/ops_logits_processors');
const golden = JSON.parse(readFileSync(path.join(folder, 'golden.json'), 'utf8')) as {
  input_ids: number[][];
  vocab_size: number;
  cases: Case[];
  pipelines: { name: string; generation_config: Record<string, number | boolean>; order: string[]; output: string }[];
};
const { tensors } = await readSafetensors(path.join(folder, 'golden.safetensors'));
const values = (name: string): Float32Array => tensors.get(name)!.data as Float32Array;

const make: Record<string, (kwargs: Record<string, number>) => LogitsProcessor> = {
  TemperatureLogitsWarper: ({ temperature }) => temperatureProcessor(temperature),
  TopKLogitsWarper: ({ top_k, min_tokens_to_keep }) => topKProcessor(top_k, { minTokensToKeep: min_tokens_to_keep }),
  TopPLogitsWarper: ({ top_p, min_tokens_to_keep }) => topPProcessor(top_p, { minTokensToKeep: min_tokens_to_keep }),
  RepetitionPenaltyLogitsProcessor: ({ penalty, repetition_penalty }) =>
    repetitionPenaltyProcessor(penalty ?? repetition_penalty),
  NoRepeatNGramLogitsProcessor: ({ ngram_size, no_repeat_ngram_size }) =>
    noRepeatNgramProcessor(ngram_size ?? no_repeat_ngram_size),
};

function check(processors: LogitsProcessor[], output: string): Float32Array[] {
  const wanted = values(output);
  return golden.input_ids.map((ids, row) => {
    const logits = values('logits').slice(row * golden.vocab_size, (row + 1) * golden.vocab_size);
    for (const processor of processors) processor(logits, { ids });
    logits.forEach((logit, i) => {
      const other = wanted[row * golden.vocab_size + i];
      if (other === -Infinity || logit === -Infinity) expect([row, i, logit]).toEqual([row, i, other]);
      else expect(Math.abs(logit - other)).toBeLessThanOrEqual(1e-5);
    });
    return logits;
  });
}

describe('logits processors against the reference', () => {
  const ours = golden.cases.filter(({ processor }) => processor in make);
  it('covers what is listed for them', () => expect(ours.length).toBe(14));
  it.each(ours)('$name', ({ processor, kwargs, output, neg_inf }) => {
    const rows = check([make[processor](kwargs)], output);
    expect(rows.flatMap((row) => [...row]).filter((x) => x === -Infinity).length).toBe(neg_inf);
  });
  const pipelines = golden.pipelines.filter(({ order }) => order.every((name) => name in make));
  it.each(pipelines)('$name', ({ order, generation_config, output }) => {
    check(
      order.map((name) => make[name](generation_config as Record<string, number>)),
      output,
    );
  });
});
