import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkInsideFolder } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** Files of a model beside its config. */
const modelFiles = [
  'generation_config.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  '1_Pooling/config.json',
];

/** Files of a tokenizer, in any of the forms that Hugging Face's classes read. */
const tokenizerFiles = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'vocab.txt',
  'spiece.model',
  'sentencepiece.bpe.model',
  'sentencepiece.model',
  'tokenizer.model',
  'source.spm',
  'target.spm',
  'chat_template.jinja',
  'chat_template.json',
];
const TEMPLATE_FOLDER = 'additional_chat_templates';
/** The largest real tokenizer files have about 40 MB. */
const MAX_FILE_BYTES = 128 * 2 ** 20;
const MAX_TEMPLATES = 64;

/** All names that a model's folder may hold besides config.json and weights; templates by their folder. */
export const companionNames: readonly string[] = [...modelFiles, ...tokenizerFiles];

/** Whether a path in a repository is one of those files. */
export const isCompanion = (name: string): boolean =>
  companionNames.includes(name) || /^additional_chat_templates\/[^/]+\.jinja$/.test(name);

async function readCompanion(folder: string, name: string): Promise<Uint8Array | undefined> {
  const file = path.join(folder, name);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  await checkInsideFolder(folder, name);
  if (found.size > MAX_FILE_BYTES) {
    throw tesseraeError({
      package: 'hub',
      code: 'E_CONFIG_SIZE',
      message: `${file} has ${found.size} bytes, more than ${MAX_FILE_BYTES} allowed`,
      fix: 'check where the file came from',
    });
  }
  return readFile(file);
}

async function readAll(folder: string, names: readonly string[]): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const name of names) {
    const bytes = await readCompanion(folder, name);
    if (bytes) files[name] = bytes;
  }
  return files;
}

/** The model's own files beside config.json, byte for byte. */
export const readModelFiles = (folder: string): Promise<Record<string, Uint8Array>> => readAll(folder, modelFiles);

/** The tokenizer's files, byte for byte, with its chat templates. */
export async function readTokenizerFiles(folder: string): Promise<Record<string, Uint8Array>> {
  const names = await readdir(path.join(folder, TEMPLATE_FOLDER)).catch((): string[] => []);
  const templates = names.filter((name) => name.endsWith('.jinja')).slice(0, MAX_TEMPLATES);
  return readAll(folder, [...tokenizerFiles, ...templates.sort().map((name) => `${TEMPLATE_FOLDER}/${name}`)]);
}
