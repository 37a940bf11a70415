import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { checkRelativePath, openCheckpoint, selectBackend, unflattenParams } from '@tesserae/core';
import type { ArchitectureConfig, Checkpoint, Model, ParameterSpec, Params } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { loadGpt2Files, loadTokenizer } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import { findForm, forms } from '../forms/index';
import { readFields } from '../forms/fields';
import type { ConfigJson } from '../forms/fields';
import type { Form } from '../forms/index';
import { checkOptions } from '../options';
import { readModelFiles, readTokenizerFiles } from './companions';
import { readJsonObject } from './read-json-file';
import { withSource } from './source';
import type { Source } from './source';
import { findStoredNames } from './stored-names';
import type { NameMap } from './stored-names';

/** How a folder is read. */
export interface LoadOptions {
  /** Another config file of the folder; `config.json` when absent. */
  readonly configFile?: string | undefined;
  /** A tokenizer to use in place of the folder's; null for none. */
  readonly tokenizer?: Tokenizer | null | undefined;
}

const there = (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

async function readTokenizer(folder: string): Promise<Tokenizer | undefined> {
  const file = path.join(folder, 'tokenizer.json');
  if (await there(file)) return loadTokenizer(file);
  const [vocab, merges] = ['vocab.json', 'merges.txt'].map((name) => path.join(folder, name));
  return (await there(vocab)) && (await there(merges)) ? loadGpt2Files({ vocab, merges }) : undefined;
}

/** Reads the parameters one after the other, in the order of the forward pass. */
async function readParams(
  specs: readonly ParameterSpec[],
  checkpoint: Checkpoint,
  { stored }: NameMap,
): Promise<Params> {
  const pairs: [string, tf.Tensor][] = [];
  try {
    for (const { path: at, checkpointName, shape } of specs) {
      const { data, dtype } = await checkpoint.read(stored[checkpointName].name);
      const values = dtype === 'F64' ? Float32Array.from(data as Float64Array) : (data as Float32Array);
      pairs.push([at, tf.tensor(values, [...shape], 'float32')]);
    }
    return unflattenParams(pairs);
  } catch (error) {
    for (const [, tensor] of pairs) tensor.dispose();
    throw error;
  }
}

/** A stored output matrix that differs from the embedding it should be tied to is a matrix of its own. */
async function isUntied(checkpoint: Checkpoint, { stored, copies }: NameMap): Promise<boolean> {
  for (const [copy, of] of Object.entries(copies)) {
    const [one, other] = [await checkpoint.read(copy), await checkpoint.read(stored[of].name)];
    const same = one.data.length === other.data.length && one.data.every((value, i) => value === other.data[i]);
    if (!same) return true;
  }
  return false;
}

async function resolveNames(
  where: string,
  form: Form,
  config: ArchitectureConfig,
  checkpoint: Checkpoint,
): Promise<{ config: ArchitectureConfig; specs: ParameterSpec[]; names: NameMap }> {
  const { architecture } = form;
  const specs = architecture.parameters(config);
  const names = findStoredNames(where, specs, checkpoint, form.naming);
  if (!(await isUntied(checkpoint, names))) return { config, specs, names };
  const untied = { ...config, tieWordEmbeddings: false };
  const untiedSpecs = architecture.parameters(untied);
  return { config: untied, specs: untiedSpecs, names: findStoredNames(where, untiedSpecs, checkpoint, form.naming) };
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

/** Reads a folder's config alone. */
async function readConfig(
  folder: string,
  configFile: string,
): Promise<{ form: Form; config: ArchitectureConfig; json: ConfigJson; bytes: Uint8Array }> {
  const file = path.join(folder, checkRelativePath(configFile, 'configFile'));
  const { json, bytes } = await readJsonObject(file);
  const form = findForm(forms(), json, file);
  return { form, json, bytes, config: form.read(readFields(json, file), file) };
}

/**
 * Loads a model from a Hugging Face folder: `config.json` (of transformers 4 or 5), `model.safetensors` or its shards, and
 * `tokenizer.json` (or GPT-2's `vocab.json` and `merges.txt`) when there is one. Read are the GPT-2 and Llama forms;
 * 16-bit weights are widened to float32. Names, types and everything in the config that is not understood here are
 * remembered and go back out with `savePretrained`.
 *
 * @param folder the folder
 * @param options another config file, another tokenizer
 * @returns the model; its tensors are on the active backend (one is selected when none was)
 * @throws E_NOT_FOUND, E_JSON, E_CONFIG_FIELD, E_CONFIG_SIZE, E_UNSUPPORTED for the config (fields that cannot be done are
 *   refused by name); E_MISSING_TENSORS, E_EXTRA_TENSORS, E_TENSOR_SHAPE, E_TENSOR_DTYPE when the weights do not fit it;
 *   E_PATH, E_PATH_ESCAPE, E_UNKNOWN_OPTION; the codes of `openCheckpoint` and `loadTokenizer`
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
  checkOptions('loadPretrained', options, ['configFile', 'tokenizer']);
  const read = await readConfig(folder, options.configFile ?? 'config.json');
  const checkpoint = await openCheckpoint(folder);
  try {
    const { config, specs, names } = await resolveNames(folder, read.form, read.config, checkpoint);
    const own = options.tokenizer === undefined;
    const tokenizerFiles = own ? await readTokenizerFiles(folder) : {};
    const tokenizer = own ? await readTokenizer(folder) : (options.tokenizer ?? undefined);
    const source: Source = {
      json: read.json,
      bytes: read.bytes,
      companions: await readModelFiles(folder),
      tokenizer: own ? tokenizer : undefined,
      tokenizerFiles,
      stored: Object.fromEntries(
        Object.entries(names.stored).map(([name, entry]) => [name, { name: entry.name, dtype: entry.dtype }]),
      ),
      copies: names.copies,
    };
    if (tf.getBackend() === undefined || tf.getBackend() === '') await selectBackend();
    const params = await readParams(specs, checkpoint, names);
    return { architecture: read.form.architecture, config: withSource(config, source), params, tokenizer };
  } finally {
    await checkpoint.close();
  }
}
