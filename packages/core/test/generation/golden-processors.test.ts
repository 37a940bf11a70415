import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  badWordsProcessor,
  epsilonProcessor,
  etaProcessor,
  forcedBosProcessor,
  forcedEosProcessor,
  minLengthProcessor,
  minNewTokensProcessor,
  minPProcessor,
  noRepeatNgramProcessor,
  normalizeProcessor,
  readSafetensors,
  repetitionPenaltyProcessor,
  sequenceBiasProcessor,
  suppressTokensProcessor,
  temperatureProcessor,
  topKProcessor,
  topPProcessor,
  typicalProcessor,
} from '@tesserae/core';
import type { GenerateOptions, LogitsProcessor } from '@tesserae/core';
import { createPipeline } from '../../src/generation/pipeline';

interface Case {
  name: string;
  processor: string;
  kwargs: Record<string, never>;
  output: string;
  neg_inf: number;
}

const folder = path.join(__dirname, '../../../../test/golden/ops_logits_processors');
const golden = JSON.parse(readFileSync(path.join(folder, 'golden.json'), 'utf8')) as {
  input_ids: number[][];
  vocab_size: number;
  cases: Case[];
  pipelines: { name: string; generation_config: Record<string, never>; order: string[]; output: string }[];
};
const { tensors } = await readSafetensors(path.join(folder, 'golden.safetensors'));
const values = (name: string): Float32Array => tensors.get(name)!.data as Float32Array;

type Values = Record<string, never>; // arguments as the reference names them
const one = (kwargs: Values, ...names: string[]): never =>
  names.map((name) => kwargs[name]).find((x) => x !== undefined)!;

const make: Record<string, (kwargs: Values) => LogitsProcessor> = {
  TemperatureLogitsWarper: ({ temperature }) => temperatureProcessor(temperature),
  TopKLogitsWarper: ({ top_k, min_tokens_to_keep }) => topKProcessor(top_k, { minTokensToKeep: min_tokens_to_keep }),
  TopPLogitsWarper: ({ top_p, min_tokens_to_keep }) => topPProcessor(top_p, { minTokensToKeep: min_tokens_to_keep }),
  MinPLogitsWarper: ({ min_p, min_tokens_to_keep }) => minPProcessor(min_p, { minTokensToKeep: min_tokens_to_keep }),
  TypicalLogitsWarper: (kwargs) => typicalProcessor(one(kwargs, 'mass', 'typical_p')),
  EpsilonLogitsWarper: (kwargs) => epsilonProcessor(one(kwargs, 'epsilon', 'epsilon_cutoff')),
  EtaLogitsWarper: (kwargs) => etaProcessor(one(kwargs, 'epsilon', 'eta_cutoff')),
  RepetitionPenaltyLogitsProcessor: (kwargs) =>
    repetitionPenaltyProcessor(one(kwargs, 'penalty', 'repetition_penalty')),
  NoRepeatNGramLogitsProcessor: (kwargs) => noRepeatNgramProcessor(one(kwargs, 'ngram_size', 'no_repeat_ngram_size')),
  MinLengthLogitsProcessor: ({ min_length, eos_token_id }) => minLengthProcessor(min_length, eos_token_id),
  MinNewTokensLengthLogitsProcessor: ({ min_new_tokens, eos_token_id }) =>
    minNewTokensProcessor(min_new_tokens, eos_token_id),
  NoBadWordsLogitsProcessor: ({ bad_words_ids, eos_token_id }) => badWordsProcessor(bad_words_ids, eos_token_id ?? []),
  SuppressTokensLogitsProcessor: ({ suppress_tokens }) => suppressTokensProcessor(suppress_tokens),
  ForcedBOSTokenLogitsProcessor: ({ bos_token_id }) => forcedBosProcessor(bos_token_id),
  ForcedEOSTokenLogitsProcessor: ({ max_length, eos_token_id }) => forcedEosProcessor(max_length, eos_token_id),
  SequenceBiasLogitsProcessor: ({ sequence_bias }) => sequenceBiasProcessor(sequence_bias),
  LogitNormalization: () => normalizeProcessor(),
};

function check(processors: LogitsProcessor[], output: string, promptLength = 0): Float32Array[] {
  const wanted = values(output);
  return golden.input_ids.map((ids, row) => {
    const logits = values('logits').slice(row * golden.vocab_size, (row + 1) * golden.vocab_size);
    for (const processor of processors) processor(logits, { ids, promptLength });
    logits.forEach((logit, i) => {
      const other = wanted[row * golden.vocab_size + i];
      if (other === -Infinity || logit === -Infinity) expect([row, i, logit]).toEqual([row, i, other]);
      else expect(Math.abs(logit - other)).toBeLessThanOrEqual(1e-5);
    });
    return logits;
  });
}

describe('logits processors against the reference', () => {
  it.each(golden.cases)('$name', ({ processor, kwargs, output, neg_inf }) => {
    const rows = check([make[processor](kwargs)], output, kwargs.prompt_length_to_skip);
    expect(rows.flatMap((row) => [...row]).filter((x) => x === -Infinity).length).toBe(neg_inf);
  });
  it.each(golden.pipelines)('$name', ({ order, generation_config, output }) => {
    check(
      order.map((name) => make[name](generation_config)),
      output,
    );
  });
  it.each(golden.pipelines)('$name as generate builds it', ({ generation_config: config, output }) => {
    const options: GenerateOptions = {
      temperature: config.temperature,
      topK: config.top_k,
      topP: config.top_p,
      minP: config.min_p,
      typicalP: config.typical_p,
      epsilonCutoff: config.epsilon_cutoff,
      etaCutoff: config.eta_cutoff,
      repetitionPenalty: config.repetition_penalty,
      noRepeatNgramSize: config.no_repeat_ngram_size,
      badWords: config.bad_words_ids,
      suppressTokens: config.suppress_tokens,
      renormalizeLogits: config.renormalize_logits,
    };
    const setting = { sampling: true, stopTokens: [], maxNewTokens: 20, minTokensToKeep: 1 };
    check(createPipeline(options, setting), output);
  });
});
