import type { GenerateOptions } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** A field of generation_config.json: the option that it is, and how its value is read; nothing for a value that it cannot have. */
interface Field {
  readonly option: keyof GenerateOptions;
  read(value: unknown): unknown;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isIds = (value: unknown): value is number[] => Array.isArray(value) && value.every((id) => Number.isInteger(id));
const keep = <T>(value: T, fits: boolean): T | undefined => (fits ? value : undefined);

const number = (option: Field['option']): Field => ({ option, read: (value) => keep(value, isNumber(value)) });
const flag = (option: Field['option']): Field => ({ option, read: (value) => keep(value, typeof value === 'boolean') });
const id = (option: Field['option']): Field => ({ option, read: (value) => keep(value, Number.isInteger(value)) });
const ids = (option: Field['option']): Field => ({
  option,
  read(value) {
    const list = isNumber(value) ? [value] : value;
    return keep(list, isIds(list));
  },
});
const list = (option: Field['option'], fits: (value: readonly unknown[]) => boolean): Field => ({
  option,
  read: (value) => keep(value, Array.isArray(value) && fits(value)),
});
const isBias = (pair: unknown): boolean =>
  Array.isArray(pair) && pair.length === 2 && isIds(pair[0]) && isNumber(pair[1]);
const isText = (value: unknown): boolean => typeof value === 'string';

/** What each field of generation_config.json means. */
export const generationFields: Readonly<Record<string, Field>> = {
  max_new_tokens: number('maxNewTokens'),
  max_length: number('maxLength'),
  min_length: number('minLength'),
  min_new_tokens: number('minNewTokens'),
  do_sample: flag('doSample'),
  temperature: number('temperature'),
  top_k: number('topK'),
  top_p: number('topP'),
  min_p: number('minP'),
  typical_p: number('typicalP'),
  epsilon_cutoff: number('epsilonCutoff'),
  eta_cutoff: number('etaCutoff'),
  num_beams: number('numBeams'),
  num_return_sequences: number('numReturnSequences'),
  length_penalty: number('lengthPenalty'),
  early_stopping: {
    option: 'earlyStopping',
    read: (value) => keep(value, typeof value === 'boolean' || value === 'never'),
  },
  repetition_penalty: number('repetitionPenalty'),
  encoder_repetition_penalty: number('encoderRepetitionPenalty'),
  no_repeat_ngram_size: number('noRepeatNgramSize'),
  encoder_no_repeat_ngram_size: number('encoderNoRepeatNgramSize'),
  bad_words_ids: list('badWords', (rows) => rows.every(isIds)),
  sequence_bias: list('sequenceBias', (pairs) => pairs.every(isBias)),
  exponential_decay_length_penalty: list(
    'exponentialDecayLengthPenalty',
    (pair) => pair.length === 2 && pair.every(isNumber),
  ),
  forced_bos_token_id: id('forcedBosTokenId'),
  forced_eos_token_id: ids('forcedEosTokenId'),
  suppress_tokens: ids('suppressTokens'),
  begin_suppress_tokens: ids('beginSuppressTokens'),
  renormalize_logits: flag('renormalizeLogits'),
  remove_invalid_values: flag('removeInvalidValues'),
  eos_token_id: ids('stopTokens'),
  decoder_start_token_id: id('decoderStartTokenId'),
  stop_strings: {
    option: 'stop',
    read: (value) => keep(value, isText(value) || (Array.isArray(value) && value.every(isText))),
  },
};

/** Fields that transformers knows and that cannot be done here; at these values they do nothing. */
const unsupported: Readonly<Record<string, readonly unknown[]>> = {
  num_beam_groups: [1],
  diversity_penalty: [0],
  guidance_scale: [1],
  penalty_alpha: [0],
  top_h: [],
  max_time: [],
  token_healing: [false],
  watermarking_config: [],
  constraints: [],
  force_words_ids: [],
  dola_layers: [],
};

/** Fields that change how the tokens are made but not which. */
const idle =
  /^(_\w+|transformers_version|use_cache|cache_\w+|pad_token_id|bos_token_id|max_cache_len|return_dict_in_generate|output_\w+|is_assistant|num_assistant_\w+|assistant_\w+|target_lookbehind|compile_config|disable_compile|prefill_chunk_size|low_memory|use_mtp|continuous_batching_config|prompt_lookup_num_tokens|max_matching_ngram_size|speculation_type)$/;

/** Whether a field says what `generate` does. */
export const isGenerationField = (name: string): boolean =>
  Object.hasOwn(generationFields, name) || Object.hasOwn(unsupported, name);

/** Options of a generation config, and the names of fields that ask for what cannot be done, or are not known. */
export function readGenerationFields(
  json: Readonly<Record<string, unknown>>,
  where: string,
): { readonly options: GenerateOptions; readonly cannot: readonly string[]; readonly unknown: readonly string[] } {
  let options: GenerateOptions = {};
  const cannot: string[] = [];
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(json)) {
    if (value === null || idle.test(name)) continue;
    if (!Object.hasOwn(generationFields, name)) {
      if (!Object.hasOwn(unsupported, name)) unknown.push(name);
      else if (!unsupported[name].includes(value)) cannot.push(name);
      continue;
    }
    const { option, read } = generationFields[name];
    const found = read(value);
    if (found === undefined) {
      throw tesseraeError({
        package: 'hub',
        code: 'E_GENERATION_CONFIG',
        message: `${where}: ${name} is ${JSON.stringify(value)}`,
        fix: 'correct the field, or remove it',
      });
    }
    options = { ...options, [option]: found };
  }
  return { options: withReferenceDefaults(options), cannot, unknown };
}

/** What transformers takes for fields that are not there: no sampling, and where there is, among the 50 most likely. */
function withReferenceDefaults(options: GenerateOptions): GenerateOptions {
  const doSample = options.doSample ?? false;
  return { ...options, doSample, ...(doSample && options.topK === undefined && { topK: 50 }) };
}

/**
 * Options of `generate` from the content of a `generation_config.json`: `do_sample`, `max_new_tokens`, `temperature`,
 * `top_p`, `num_beams`, … What is not there is as in transformers: no sampling; with `do_sample` a `top_k` of 50. Fields
 * that transformers does not know either are left out, as there.
 *
 * @param json the object in the file
 * @param where what the file is called in messages
 * @returns the options, to be used as a model's `generation`
 * @throws E_GENERATION_CONFIG when a field has a value that it cannot have, or asks for something that cannot be done here
 * @see `GenerationConfig` of transformers
 * @example
 * ```ts
 * import { readGenerationConfig } from '@tesserae/hub';
 *
 * const options = readGenerationConfig({ do_sample: true, temperature: 0.6, top_p: 0.9, eos_token_id: 2 });
 * console.log(options.doSample, options.temperature, options.topK); // → true 0.6 50
 * ```
 */
export function readGenerationConfig(
  json: Readonly<Record<string, unknown>>,
  where: string = 'generation_config.json',
): GenerateOptions {
  const { options, cannot } = readGenerationFields(json, where);
  if (cannot.length === 0) return options;
  throw tesseraeError({
    package: 'hub',
    code: 'E_GENERATION_CONFIG',
    message: `${where} asks for ${cannot.join(', ')}, which is not supported`,
    fix: 'remove these fields, or give the options of generate yourself',
    details: { names: cannot },
  });
}
