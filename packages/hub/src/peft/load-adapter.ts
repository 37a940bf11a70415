import { stat } from 'node:fs/promises';
import path from 'node:path';
import { openSafetensors } from '@tesserae/core';
import type { Adapter, Model, SafetensorsFile } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { readJsonObject } from '../folders/read-json-file';
import { checkOptions } from '../options';
import { readAdapterConfig } from './adapter-config';
import { adapterNames } from './adapter-names';
import { BASE_ENTRY, baseFingerprint } from './base-fingerprint';
import { buildAdapter } from './build-adapter';
import { withPeftSource } from './peft-source';
import { otherBase } from './peft-errors';
import { sortTensors } from './sort-tensors';

/** How an adapter is read. */
export interface LoadAdapterOptions {
  /**
   * Whether the weights of the base must be those that the adapter was trained on, where its file says which (files written
   * here do, PEFT's do not): true. Names and shapes must fit either way.
   */
  readonly checkBase?: boolean | undefined;
}

/**
 * Loads an adapter in PEFT's form, `adapter_config.json` and `adapter_model.safetensors`, around a base: LoRA, rsLoRA, DoRA,
 * (IA)³ and prompt tuning, with biases and whole modules where it has them. Any number can be loaded around one base.
 *
 * @param base the model that it was trained on; it is not changed, and its tensors are shared
 * @param folder the adapter's folder
 * @param options whether to insist on the very weights
 * @returns the base with the adapter; `disposeAdapter` frees what is its own
 * @throws E_NOT_FOUND, E_JSON, E_CONFIG_FIELD, E_UNSUPPORTED for the config; E_ADAPTER_TARGET for modules that the base does
 *   not have, E_ADAPTER_BASE when it was made for another base, E_MISSING_TENSORS, E_EXTRA_TENSORS, E_TENSOR_SHAPE,
 *   E_TENSOR_DTYPE when tensors and config do not fit; E_PATH, E_UNKNOWN_OPTION; the codes of `openSafetensors`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, gpt2, lowRank, withAdapter } from '@tesserae/core';
 * import { loadAdapter, saveAdapter } from '@tesserae/hub';
 *
 * await tf.setBackend('cpu');
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const table = (base.params.positionEmbedding as { weight: tf.Tensor }).weight;
 * const low = lowRank(table, { a: tf.ones([2, 16]), b: tf.ones([8, 2]), scale: 1, layout: 'in-out', table: true });
 * const params = { ...base.params, positionEmbedding: { weight: low } };
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * await saveAdapter(withAdapter(base, params, { method: 'lora', base, whole: [], settings: {} }), folder);
 * console.log((await loadAdapter(base, folder)).adapter?.method); // → lora
 * ```
 */
export async function loadAdapter<C>(
  base: Model<C>,
  folder: string,
  options: LoadAdapterOptions = {},
): Promise<Model<C>> {
  checkOptions('loadAdapter', options, ['checkBase']);
  checkArguments(base, folder);
  const configFile = path.join(folder, 'adapter_config.json');
  const { json, bytes } = await readJsonObject(configFile);
  const fields = readAdapterConfig(json, configFile);
  const weightsFile = path.join(folder, 'adapter_model.safetensors');
  await refusePickle(folder, weightsFile);
  const file = await openSafetensors(weightsFile);
  try {
    const names = adapterNames(base);
    const sorted = sortTensors(file, weightsFile, fields, names);
    if (options.checkBase !== false) await checkBase(base, file, weightsFile, [...sorted.whole.keys()]);
    const model = await buildAdapter(base, { file, weightsFile, fields, sorted });
    return { ...model, adapter: withPeftSource(model.adapter as Adapter<C>, { json, bytes }) };
  } finally {
    await file.close();
  }
}

function checkArguments(base: unknown, folder: unknown): void {
  const isModel = typeof base === 'object' && base !== null && 'architecture' in base && 'params' in base;
  if (!isModel)
    throw tesseraeError({
      package: 'hub',
      code: 'E_MODEL_PARAMS',
      message: 'the first argument is no model',
      fix: 'give the base that createModel, loadPretrained or train returned',
    });
  if (typeof folder === 'string' && folder !== '' && !folder.includes('\0')) return;
  throw tesseraeError({
    package: 'hub',
    code: 'E_PATH',
    message: `expected the path of a folder, found ${JSON.stringify(folder) ?? String(folder)}`,
    fix: 'give the folder of an adapter',
  });
}

/** Older adapters are pickled, and a pickle is a program. */
async function refusePickle(folder: string, weightsFile: string): Promise<void> {
  const exists = (name: string): Promise<boolean> => stat(name).then(() => true, () => false); // prettier-ignore
  if ((await exists(weightsFile)) || !(await exists(path.join(folder, 'adapter_model.bin')))) return;
  throw tesseraeError({
    package: 'hub',
    code: 'E_NOT_FOUND',
    message: `${folder} holds adapter_model.bin alone, a pickled file, which is a program and is not run`,
    fix: 'load and save it with PEFT once, which writes adapter_model.safetensors',
  });
}

async function checkBase<C>(
  base: Model<C>,
  { metadata }: SafetensorsFile,
  what: string,
  whole: string[],
): Promise<void> {
  const wanted = metadata[BASE_ENTRY];
  if (wanted === undefined || wanted === (await baseFingerprint(base, whole))) return;
  throw otherBase(
    `${what} was trained on other weights than this base has`,
    'load the base that it was trained on, or give checkBase: false if you know that it fits',
  );
}
