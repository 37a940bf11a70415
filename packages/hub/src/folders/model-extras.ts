import { parseStrictJson } from '@tesserae/core';
import type { GenerateOptions } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { readChatTemplate } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import { isGenerationField, readGenerationConfig } from '../generation-config/read-generation-config';
import { writeGenerationConfig } from '../generation-config/write-generation-config';

type Files = Readonly<Record<string, Uint8Array>>;
type Json = Readonly<Record<string, unknown>>;

function readObject(files: Files, name: string): Json {
  if (!Object.hasOwn(files, name)) return {};
  const value = parseStrictJson(files[name], { what: name });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw tesseraeError({
    package: 'hub',
    code: 'E_CONFIG_FIELD',
    message: `${name} holds no object`,
    fix: 'correct or remove the file',
  });
}

/**
 * A model's own options of generation: those of generation_config.json, or without one those that config.json gives, as
 * older checkpoints do. Stop tokens alone are no options: the config holds them already.
 */
export function readOwnGeneration(files: Files, config: Json): GenerateOptions | undefined {
  const name = 'generation_config.json';
  if (Object.hasOwn(files, name)) return readGenerationConfig(readObject(files, name));
  const fields = Object.entries(config).filter(([field]) => isGenerationField(field));
  const asks = fields.some(([field]) => field !== 'eos_token_id' && field !== 'decoder_start_token_id');
  return asks ? readGenerationConfig(Object.fromEntries(fields), 'config.json') : undefined;
}

/**
 * generation_config.json for a model's own options, where they are not those that its folder gave.
 *
 * @param options the model's own options
 * @param files the files that the model came with
 * @param config config.json as it came
 */
export function changedGeneration(
  options: GenerateOptions | undefined,
  files: Files,
  config: Json,
): Record<string, unknown> | undefined {
  if (!options || JSON.stringify(options) === JSON.stringify(readOwnGeneration(files, config))) return undefined;
  const name = 'generation_config.json';
  return writeGenerationConfig(options, Object.hasOwn(files, name) ? readObject(files, name) : undefined);
}

const folder = 'additional_chat_templates/';

/** The tokenizer with the chat template of its folder, where there is one. */
export function withChatTemplate(tokenizer: Tokenizer | undefined, files: Files): Tokenizer | undefined {
  if (!tokenizer) return undefined;
  const texts: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(files)) {
    const text = (): string => new TextDecoder().decode(bytes);
    if (name === 'chat_template.jinja') texts.default = text();
    else if (name.startsWith(folder)) texts[name.slice(folder.length).replace(/\.jinja$/, '')] = text();
  }
  const config = {
    ...readObject(files, 'special_tokens_map.json'),
    ...readObject(files, 'chat_template.json'),
    ...readObject(files, 'tokenizer_config.json'),
  };
  const chatTemplate = readChatTemplate(config, texts);
  return chatTemplate ? { ...tokenizer, chatTemplate } : tokenizer;
}
