import type { GenerateOptions } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

type Reader = (value: unknown) => GenerateOptions | undefined;
type Numbers = 'maxNewTokens' | 'maxLength' | 'minLength' | 'minNewTokens' | 'numBeams' | 'lengthPenalty';
type MoreNumbers = 'numReturnSequences' | 'temperature' | 'topK' | 'topP' | 'minP' | 'typicalP' | 'epsilonCutoff';
type Penalties = 'etaCutoff' | 'repetitionPenalty' | 'noRepeatNgramSize' | 'encoderNoRepeatNgramSize';

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isIds = (value: unknown): value is number[] => Array.isArray(value) && value.every((id) => Number.isInteger(id));
const listOf = (value: unknown): unknown => (isNumber(value) ? [value] : value);

const number =
  (name: Numbers | MoreNumbers | Penalties | 'encoderRepetitionPenalty'): Reader =>
  (value) =>
    isNumber(value) ? { [name]: value } : undefined;
const flag =
  (name: 'doSample' | 'renormalizeLogits' | 'removeInvalidValues'): Reader =>
  (value) =>
    typeof value === 'boolean' ? { [name]: value } : undefined;
const ids =
  (name: 'stopTokens' | 'suppressTokens' | 'beginSuppressTokens' | 'forcedEosTokenId'): Reader =>
  (value) => {
    const list = listOf(value);
    return isIds(list) ? { [name]: list } : undefined;
  };
const id =
  (name: 'forcedBosTokenId' | 'decoderStartTokenId'): Reader =>
  (value) =>
    Number.isInteger(value) ? { [name]: value as number } : undefined;

/** What each field of generation_config.json means. */
const readers: Readonly<Record<string, Reader>> = {
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
  early_stopping: (value) => (typeof value === 'boolean' || value === 'never' ? { earlyStopping: value } : undefined),
  repetition_penalty: number('repetitionPenalty'),
  encoder_repetition_penalty: number('encoderRepetitionPenalty'),
  no_repeat_ngram_size: number('noRepeatNgramSize'),
  encoder_no_repeat_ngram_size: number('encoderNoRepeatNgramSize'),
  bad_words_ids: (value) => (Array.isArray(value) && value.every(isIds) ? { badWords: value } : undefined),
  sequence_bias: (value) =>
    Array.isArray(value) &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && isIds(pair[0]) && isNumber(pair[1]))
      ? { sequenceBias: value as [number[], number][] }
      : undefined,
  exponential_decay_length_penalty: (value) =>
    Array.isArray(value) && value.length === 2 && value.every(isNumber)
      ? { exponentialDecayLengthPenalty: value as unknown as [number, number] }
      : undefined,
  forced_bos_token_id: id('forcedBosTokenId'),
  forced_eos_token_id: ids('forcedEosTokenId'),
  suppress_tokens: ids('suppressTokens'),
  begin_suppress_tokens: ids('beginSuppressTokens'),
  renormalize_logits: flag('renormalizeLogits'),
  remove_invalid_values: flag('removeInvalidValues'),
  eos_token_id: ids('stopTokens'),
  decoder_start_token_id: id('decoderStartTokenId'),
  stop_strings: (value) =>
    typeof value === 'string' || (Array.isArray(value) && value.every((text) => typeof text === 'string'))
      ? { stop: value as string[] }
      : undefined,
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
  Object.hasOwn(readers, name) || Object.hasOwn(unsupported, name);

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
    if (!Object.hasOwn(readers, name)) {
      if (!Object.hasOwn(unsupported, name)) unknown.push(name);
      else if (!unsupported[name].includes(value)) cannot.push(name);
      continue;
    }
    const read = readers[name](value);
    if (!read) {
      throw tesseraeError({
        package: 'hub',
        code: 'E_GENERATION_CONFIG',
        message: `${where}: ${name} is ${JSON.stringify(value)}`,
        fix: 'correct the field, or remove it',
      });
    }
    options = { ...options, ...read };
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
