import path from 'node:path';
import {
  atomicWrite,
  flattenParams,
  isLowRank,
  isPromptTable,
  isScaled,
  isWeightForm,
  writeSafetensors,
} from '@tesserae/core';
import type { Adapter, Model, SafetensorsInput, Weight } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type * as tf from '@tensorflow/tfjs-core';
import { checkOptions } from '../options';
import { adapterNames } from './adapter-names';
import type { AdapterNames } from './adapter-names';
import { BASE_ENTRY, baseFingerprint } from './base-fingerprint';
import { describeAdapter } from './describe-adapter';
import type { AdapterContent } from './describe-adapter';
import { peftSourceOf } from './peft-source';

/** How an adapter is written. */
export interface SaveAdapterOptions {
  /** What the base is called: a folder, or a repository of the hub. What the adapter's folder said, or null, when absent. */
  readonly base?: string | undefined;
}

/**
 * Saves a model's adapter in PEFT's form: `adapter_config.json` and `adapter_model.safetensors`, with the names that PEFT
 * gives and reads. The base is not in it; a fingerprint of its weights is, so that the adapter is not put on another by
 * mistake.
 *
 * @param model a model with an adapter of low rank, (IA)³ or virtual tokens; it is not changed
 * @param folder the folder; made when it does not exist
 * @param options what the base is called
 * @throws E_ADAPTER when the model has no adapter, or one that PEFT has no form for (several in each other);
 *   E_DISK_FULL, E_NOT_WRITABLE, E_WRITE_FAILED, E_PATH, E_UNKNOWN_OPTION
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { mkdtempSync, readdirSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, gpt2, promptTable, withAdapter, withVirtualTokens } from '@tesserae/core';
 * import { saveAdapter } from '@tesserae/hub';
 *
 * await tf.setBackend('cpu');
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const base = createModel(gpt2, config, { seed: 1 });
 * const table = promptTable((base.params.tokenEmbedding as { weight: tf.Tensor }).weight, tf.ones([2, 8]));
 * const params = { ...base.params, tokenEmbedding: { weight: table } };
 * const adapter = { method: 'prompt-tuning', base, whole: [], settings: {} };
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * await saveAdapter(withAdapter({ ...base, architecture: withVirtualTokens(gpt2, 2) }, params, adapter), folder);
 * console.log(readdirSync(folder)); // → [ 'adapter_config.json', 'adapter_model.safetensors' ]
 * ```
 */
export async function saveAdapter<C>(model: Model<C>, folder: string, options: SaveAdapterOptions = {}): Promise<void> {
  checkOptions('saveAdapter', options, ['base']);
  const known = model as unknown as Model;
  const { adapter } = known;
  if (!adapter) throw adapterError('the model has no adapter', 'give what adapt or loadAdapter returned');
  if (typeof folder !== 'string' || folder === '')
    throw tesseraeError({
      package: 'hub',
      code: 'E_PATH',
      message: 'expected the path of a folder',
      fix: 'give a path',
    });
  const names = adapterNames(known);
  const weights = new Map(flattenParams(known.params));
  const { content, tensors } = collect(known, adapter, names, weights);
  const json = configJson(known, adapter, content, names, options.base);
  const metadata = { format: 'pt', [BASE_ENTRY]: await baseFingerprint(adapter.base, adapter.whole) };
  await writeSafetensors(path.join(folder, 'adapter_model.safetensors'), tensors, metadata);
  await atomicWrite(path.join(folder, 'adapter_config.json'), (out) => out.write(json));
}

const adapterError = (message: string, fix: string): Error =>
  tesseraeError({ package: 'hub', code: 'E_ADAPTER', message, fix });

const stored = (name: string, tensor: tf.Tensor, shape: readonly number[] = tensor.shape): SafetensorsInput => ({
  name,
  dtype: 'F32',
  shape,
  data: async () => (await tensor.data()) as Float32Array,
});

/** The adapter's tensors with their names, and what they are. */
function collect(
  model: Model,
  adapter: Adapter,
  names: AdapterNames,
  weights: ReadonlyMap<string, Weight>,
): { content: AdapterContent; tensors: SafetensorsInput[] } {
  const lowRank: AdapterContent['lowRank'][number][] = [];
  const scaled: AdapterContent['scaled'][number][] = [];
  const tensors: SafetensorsInput[] = [];
  let prompt: tf.Tensor | undefined;
  for (const matrix of names.matrices) {
    const { weight } = matrix;
    if (!isWeightForm(weight)) continue;
    const at = `base_model.model.${names.nameOf(matrix.checkpointModule)}`;
    if (isLowRank(weight)) {
      const [a, b] = weight.table ? ['lora_embedding_A', 'lora_embedding_B'] : ['lora_A.weight', 'lora_B.weight'];
      tensors.push(stored(`${at}.${a}`, weight.a), stored(`${at}.${b}`, weight.b));
      if (weight.magnitude) tensors.push(stored(`${at}.lora_magnitude_vector`, weight.magnitude));
      lowRank.push([matrix, weight]);
    } else if (isScaled(weight)) {
      const { scale, side } = weight;
      tensors.push(stored(`${at}.ia3_l`, scale, side === 'input' ? [1, scale.size] : [scale.size, 1]));
      scaled.push([matrix, weight]);
    } else if (isPromptTable(weight)) tensors.push(stored('prompt_embeddings', (prompt = weight.prompt)));
  }
  const kinds = [lowRank.length > 0, scaled.length > 0, prompt !== undefined].filter(Boolean).length;
  if (kinds !== 1 || adapter.base.adapter)
    throw adapterError(
      kinds === 0
        ? 'the adapter has no weights that PEFT knows'
        : 'PEFT has no form for adapters of several kinds in one',
      'merge all but the last into the base: mergeAdapter',
    );
  const inside = new Set([...lowRank, ...scaled].map(([matrix]) => matrix.spec.path));
  tensors.push(...wholeTensors(model, adapter, names, weights, inside, prompt !== undefined));
  return { content: { lowRank, scaled, prompt }, tensors };
}

function wholeTensors(
  model: Model,
  { whole }: Adapter,
  names: AdapterNames,
  weights: ReadonlyMap<string, Weight>,
  inside: ReadonlySet<string>,
  prompts: boolean,
): SafetensorsInput[] {
  const specs = model.architecture.parameters(model.config).filter(({ path: at }) => whole.includes(at));
  return specs.map(({ path: at, checkpointName }) => {
    const name = names.nameOf(checkpointName);
    const own = inside.has(at.replace(/bias$/, 'weight')) ? name.replace(/\.bias$/, '.base_layer.bias') : name;
    return stored(`base_model.${prompts ? '' : 'model.'}${own}`, weights.get(at) as tf.Tensor);
  });
}

/** adapter_config.json in bytes: as it came, with what has changed since; those it came with when nothing has. */
function configJson(
  model: Model,
  adapter: Adapter,
  content: AdapterContent,
  names: AdapterNames,
  base: string | undefined,
): Uint8Array {
  const source = peftSourceOf(adapter);
  const given = source?.json.base_model_name_or_path;
  const name = base ?? (typeof given === 'string' ? given : null);
  const own = describeAdapter(model, adapter, content, names, name);
  if (!source) return toBytes(own);
  const json: Record<string, unknown> = { ...source.json };
  if (base !== undefined) json.base_model_name_or_path = base;
  if (JSON.stringify(json) === JSON.stringify(source.json)) return source.bytes;
  return toBytes(json);
}

const toBytes = (json: object): Uint8Array =>
  new TextEncoder().encode(
    `${JSON.stringify(Object.fromEntries(Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`,
  );
