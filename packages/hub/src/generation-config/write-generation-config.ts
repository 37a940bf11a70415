import type { GenerateOptions } from '@tesserae/core';
import { generationFields, readGenerationConfig } from './read-generation-config';

type Json = Readonly<Record<string, unknown>>;

/**
 * The content of a generation_config.json for a model's own options: the fields that it had, with those that the options
 * say otherwise. Options that transformers has no field for are left out.
 *
 * @param options the model's own options
 * @param before what was in the file that the model came with
 * @returns the object for the file
 */
export function writeGenerationConfig(options: GenerateOptions, before: Json | undefined): Record<string, unknown> {
  const known = before ? readGenerationConfig(before) : {};
  const json: Record<string, unknown> = { ...before };
  for (const [field, { option }] of Object.entries(generationFields)) {
    const value = options[option];
    if (JSON.stringify(value) === JSON.stringify(known[option])) continue;
    if (value === undefined || value === null) delete json[field];
    else json[field] = Array.isArray(value) && value.length === 1 && field === 'eos_token_id' ? value[0] : value;
  }
  return json;
}
