import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { checkRelativePath, openCheckpoint, parseStrictJson, selectBackend, unflattenParams } from '@tesserae/core';
import type { ArchitectureConfig, Checkpoint, Model, ParameterSpec, Params, SafetensorsTensor } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { loadTokenizer, loadTokenizerFolder } from '@tesserae/tokenizer';
import type { Tokenizer, TokenizerJson } from '@tesserae/tokenizer';
import { findForm, forms } from '../forms/index';
import { readFields } from '../forms/fields';
import type { ConfigJson } from '../forms/fields';
import type { Form } from '../forms/index';
import { checkOptions } from '../options';
import { readModelFiles, readTokenizerFiles } from './companions';
import { readOwnGeneration, withChatTemplate } from './model-extras';
import { readJsonObject } from './read-json-file';
import { readSentenceConfig } from './sentence-config';
import { withSource } from './source';
import type { Source } from './source';
import { checkWeightDtype, roundTo, storedDtype } from './weight-dtype';
import type { WeightDtype } from './weight-dtype';
import { readAttention } from './attention-field';
import { findStoredNames, refuseExtra } from './stored-names';
import type { NameMap } from './stored-names';

/** How a folder is read. */
export interface LoadOptions {
  /** Another config file of the folder; `config.json` when absent. */
  readonly configFile?: string | undefined;
  /** A tokenizer to use in place of the folder's; null for none. */
  readonly tokenizer?: Tokenizer | null | undefined;
  /**
   * What the weights are taken as: their values are rounded to it, and they are stored as it when the model is saved. When
   * absent they stay as they are. Tensors are float32 in memory either way, because all arithmetic is.
   */
  readonly dtype?: WeightDtype | undefined;
}

/** The largest vocabularies have half a million merges of two tokens. */
const MAX_TOKENIZER_VALUES = 2 ** 23;
const MAX_EXPERTS = 1024;

export const loadOptions = ['configFile', 'tokenizer', 'dtype'] as const;

/** Files of which one makes a tokenizer when there is no tokenizer.json. */
const vocabularies = ['spiece.model', 'tokenizer.model', 'sentencepiece.bpe.model', 'sentencepiece.model', 'vocab.txt'];

/** JSON is checked before the tokenizer's own reader sees it: depth, number of values, no name twice. */
function readTokenizer(folder: string, files: Source['tokenizerFiles']): Tokenizer | undefined {
  const read = (name: string): unknown =>
    parseStrictJson(files[name], { what: path.join(folder, name), maxValues: MAX_TOKENIZER_VALUES });
  if (files['tokenizer.json']) return loadTokenizer(read('tokenizer.json') as TokenizerJson);
  const hasGpt2 = files['vocab.json'] !== undefined && files['merges.txt'] !== undefined;
  const hasMarian = files['vocab.json'] !== undefined && files['source.spm'] !== undefined;
  if (!hasGpt2 && !hasMarian && !vocabularies.some((name) => files[name] !== undefined)) return undefined;
  for (const name of Object.keys(files)) if (name.endsWith('.json')) read(name);
  return loadTokenizerFolder(folder).tokenizer;
}

/** Reads the parameters one after the other, in the order of the forward pass. */
async function readParams(
  specs: readonly ParameterSpec[],
  checkpoint: Checkpoint,
  { stored }: NameMap,
  dtype: WeightDtype | undefined,
): Promise<Params> {
  const pairs: [string, tf.Tensor][] = [];
  try {
    for (const { path: at, checkpointName, shape } of specs) {
      if (!stored[checkpointName]) {
        pairs.push([at, tf.zeros([...shape])]); // the form lets it be left out
        continue;
      }
      const { data, dtype: from } = await checkpoint.read(stored[checkpointName].name);
      const values = from === 'F64' ? Float32Array.from(data as Float64Array) : (data as Float32Array);
      pairs.push([at, tf.tensor(roundTo(values, storedDtype(dtype)), [...shape], 'float32')]);
    }
    return unflattenParams(pairs);
  } catch (error) {
    for (const [, tensor] of pairs) tensor.dispose();
    throw error;
  }
}

/** Stored copies that differ from the parameter that they should repeat. */
async function differing(checkpoint: Checkpoint, { stored, copies }: NameMap): Promise<string[]> {
  const names: string[] = [];
  for (const [copy, of] of Object.entries(copies)) {
    const [one, other] = [await checkpoint.read(copy), await checkpoint.read(stored[of].name)];
    const same = one.data.length === other.data.length && one.data.every((value, i) => value === other.data[i]);
    if (!same) names.push(copy);
  }
  return names;
}

/** A stored output matrix that differs from the embedding it should be tied to is a matrix of its own. */
function untie(form: Form, config: ArchitectureConfig, names: readonly string[]): ArchitectureConfig | undefined {
  const own = form.separate?.(config, names);
  if (own) return own;
  const copy = form.naming.tied?.copy;
  return copy !== undefined && names.includes(copy)
    ? ({ ...config, tieWordEmbeddings: false } as ArchitectureConfig)
    : undefined;
}

/** Refuses counts that no list of parameters should be made for, before one is made. */
function checkCounts(where: string, config: ArchitectureConfig, { entries }: Checkpoint): void {
  for (const [name, value] of Object.entries(config)) {
    const most = /layers$/i.test(name) ? entries.size : /experts$/i.test(name) ? MAX_EXPERTS : Infinity;
    if (typeof value !== 'number' || value <= most) continue;
    throw tesseraeError({
      package: 'hub',
      code: 'E_MISSING_TENSORS',
      message: `${where}: config.json gives ${name} as ${value}, the weights hold ${entries.size} tensors`,
      fix: 'check that config.json and the weights belong together and that all shards are there',
    });
  }
}

/** Copies that differ and that nothing reads are no copies. */
function carryAlong(names: NameMap, unused: readonly string[]): NameMap {
  const copies = Object.fromEntries(Object.entries(names.copies).filter(([name]) => !unused.includes(name)));
  return { ...names, copies, carried: [...names.carried, ...unused] };
}

async function resolveNames(
  where: string,
  { form, json, config: told }: Pick<ReadConfig, 'form' | 'json' | 'config'>,
  checkpoint: Checkpoint,
): Promise<{ config: ArchitectureConfig; specs: ParameterSpec[]; names: NameMap }> {
  let config = form.fit?.(told, new Set(checkpoint.entries.keys()), json) ?? told;
  checkCounts(where, config, checkpoint);
  for (;;) {
    const specs = form.architecture.parameters(config);
    const names = findStoredNames(where, specs, checkpoint, form.naming);
    const apart = await differing(checkpoint, names);
    const unused = apart.filter((name) => form.naming.buffers.test(name));
    const foreign = apart.filter((name) => !unused.includes(name));
    if (foreign.length === 0) return { config, specs, names: carryAlong(names, unused) };
    const untied = untie(form, config, foreign);
    if (!untied || JSON.stringify(untied) === JSON.stringify(config)) refuseExtra(where, foreign);
    config = untied;
  }
}

function checkFolder(folder: unknown): asserts folder is string {
  if (typeof folder === 'string' && folder !== '' && !folder.includes('\0')) return;
  throw tesseraeError({
    package: 'hub',
    code: 'E_PATH',
    message: `expected the path of a folder, found ${JSON.stringify(folder) ?? String(folder)}`,
    fix: 'give the folder of a Hugging Face checkpoint',
  });
}

/** A folder's config, read. */
interface ReadConfig {
  readonly form: Form;
  readonly config: ArchitectureConfig;
  readonly json: ConfigJson;
  readonly bytes: Uint8Array;
}

/** Reads what the model has no use for, to write it out again. */
async function readCarried(checkpoint: Checkpoint, { carried }: NameMap): Promise<SafetensorsTensor[]> {
  const tensors: SafetensorsTensor[] = [];
  for (const name of carried) tensors.push(await checkpoint.read(name));
  return tensors;
}

/** Reads a folder's config alone. */
async function readConfig(folder: string, configFile: string): Promise<ReadConfig> {
  const file = path.join(folder, checkRelativePath(configFile, 'configFile'));
  const { json, bytes } = await readJsonObject(file);
  const form = findForm(forms(), json, file);
  const config = form.read(readFields(json, file), file);
  const attention = readAttention(json, form, file);
  return { form, json, bytes, config: attention ? { ...config, attention } : config };
}

/**
 * Loads a model from a Hugging Face folder: `config.json` (of transformers 4 or 5), `model.safetensors` or its shards, and
 * the tokenizer when there is one, in whichever file: `tokenizer.json`, `vocab.txt`, a SentencePiece model, or GPT-2's
 * `vocab.json` and `merges.txt`. Read are the forms that the README lists; weights of 8 (`F8_E4M3`, `F8_E5M2`), 16 and 64 bits become float32,
 * one tensor at a time. Nobody is asked over the network. Names, types and everything in the config that is not understood here
 * are remembered and go back out with `savePretrained`.
 *
 * generation_config.json gives the model its own options of generation, and the tokenizer has the folder's chat template.
 * modules.json and 1_Pooling/config.json of sentence-transformers give it its own way of making vectors of texts.
 *
 * @param folder the folder
 * @param options another config file, another tokenizer, what the weights are taken as
 * @returns the model; its tensors are on the active backend (one is selected when none was)
 * @throws E_NOT_FOUND, E_JSON, E_CONFIG_FIELD, E_GENERATION_CONFIG, E_SENTENCE_CONFIG, E_CONFIG_SIZE, E_UNSUPPORTED for the configs (fields that
 *   cannot be done are refused by name); E_MISSING_TENSORS, E_EXTRA_TENSORS, E_TENSOR_SHAPE, E_TENSOR_DTYPE when the weights do not fit it;
 *   E_PATH, E_PATH_ESCAPE, E_UNKNOWN_OPTION; the codes of `openCheckpoint` and `loadTokenizerFolder`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { loadPretrained, savePretrained } from '@tesserae/hub';
 *
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * await savePretrained(createModel(gpt2, config, { seed: 1 }), folder);
 * const model = await loadPretrained(folder);
 * console.log(model.architecture.name, model.config.hiddenSize); // → gpt2 8
 * ```
 */
export async function loadPretrained(folder: string, options: LoadOptions = {}): Promise<Model> {
  checkFolder(folder);
  checkOptions('loadPretrained', options, loadOptions);
  checkWeightDtype(options.dtype);
  const read = await readConfig(folder, options.configFile ?? 'config.json');
  const checkpoint = await openCheckpoint(folder);
  try {
    const { config, specs, names } = await resolveNames(folder, read, checkpoint);
    const own = options.tokenizer === undefined;
    const tokenizerFiles = own ? await readTokenizerFiles(folder) : {};
    const tokenizer = own
      ? withChatTemplate(readTokenizer(folder, tokenizerFiles), tokenizerFiles)
      : (options.tokenizer ?? undefined);
    const companions = await readModelFiles(folder);
    const generation = readOwnGeneration(companions, read.json);
    const embedding = readSentenceConfig(companions);
    const source: Source = {
      json: read.json,
      bytes: read.bytes,
      companions,
      tokenizer: own ? tokenizer : undefined,
      tokenizerFiles,
      stored: Object.fromEntries(
        Object.entries(names.stored).map(([name, entry]) => [
          name,
          { name: entry.name, dtype: storedDtype(options.dtype) ?? entry.dtype },
        ]),
      ),
      copies: names.copies,
      retyped: options.dtype !== undefined,
      carried: await readCarried(checkpoint, names),
      absent: names.absent,
    };
    if (tf.getBackend() === undefined || tf.getBackend() === '') await selectBackend();
    const params = await readParams(specs, checkpoint, names, options.dtype);
    const { architecture } = read.form;
    const model: Model = { architecture, config: withSource(config, source), params, tokenizer };
    return { ...model, ...(generation && { generation }), ...(embedding && { embedding }) };
  } finally {
    await checkpoint.close();
  }
}
