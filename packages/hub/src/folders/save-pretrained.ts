import path from 'node:path';
import { atomicWrite, flattenParams, isWeightForm, weightOperations, writeCheckpoint } from '@tesserae/core';
import type { ArchitectureConfig, Model, SafetensorsDtype, SafetensorsInput, Weight } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { withAttentionField } from './attention-field';
import { readFields } from '../forms/fields';
import type { ConfigJson } from '../forms/fields';
import { classOf, readHead } from '../forms/head-fields';
import { findForm, forms } from '../forms/index';
import type { Form } from '../forms/index';
import { denseValues } from './dense-values';
import { changedGeneration } from './model-extras';
import { changedSentenceConfig } from './sentence-config';
import { sourceOf } from './source';
import type { Source } from './source';
import { isNarrow, roundTo } from './weight-dtype';

/** How a model is written. */
export interface SaveOptions {
  /**
   * The type of the weights in the file. When absent each is stored as it was loaded, if that loses nothing; otherwise,
   * and for models made here, as float32.
   */
  readonly dtype?: 'float32' | 'float16' | 'bfloat16' | undefined;
  /** Bytes of weights that one file may hold; more goes into shards with an index. 5 GB (5e9) when absent. */
  readonly maxShardBytes?: number | undefined;
  /** Whether to write the weights; `false` writes what stands beside them: config and tokenizer. `true` when absent. */
  readonly weights?: boolean | undefined;
}

const saveOptions: readonly string[] = ['dtype', 'maxShardBytes', 'weights'];
const dtypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;
const dtypeNames: Partial<Record<SafetensorsDtype, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F8_E4M3: 'float8_e4m3fn',
  F8_E5M2: 'float8_e5m2',
};

/** A parameter about to be written. */
interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
  readonly weight: Weight;
  /** How it was stored where it came from. */
  readonly loadedAs: SafetensorsDtype;
}

/** Values are tried in pieces of this many, so that no second copy of a tensor exists. */
const PIECE = 2 ** 19;

/** Whether values go through fewer bits unchanged. */
function survives(values: Float32Array, dtype: SafetensorsDtype): boolean {
  for (let at = 0; at < values.length; at += PIECE) {
    const piece = values.subarray(at, at + PIECE);
    const back = roundTo(piece, dtype);
    if (!piece.every((value, i) => Object.is(value, back[i]) || (Number.isNaN(value) && Number.isNaN(back[i]))))
      return false;
  }
  return true;
}

/** The type of each parameter in the file: as it was loaded, if that loses nothing in any of them. */
async function chooseDtypes(parameters: readonly Stored[], asked: SaveOptions['dtype']): Promise<SafetensorsDtype[]> {
  if (asked !== undefined) return parameters.map(() => dtypes[asked]);
  for (const { weight, loadedAs } of parameters) {
    if (isNarrow(loadedAs) && !survives(await denseValues(weight), loadedAs)) return parameters.map(() => 'F32');
  }
  return parameters.map(({ loadedAs }) => (loadedAs === 'F64' ? 'F32' : loadedAs));
}

function collect(model: Model, source: Source | undefined): Stored[] {
  const weights = new Map(flattenParams(model.params));
  const wrong: string[] = [];
  const parameters = model.architecture.parameters(model.config).map(({ path: at, checkpointName, shape }): Stored => {
    const weight = weights.get(at)!;
    weights.delete(at);
    const found = weight && (isWeightForm(weight) ? weightOperations(weight).shape(weight) : weight.shape);
    if (!found || found.join() !== shape.join())
      wrong.push(`${at} ${found ? `is [${found.join(', ')}]` : 'is missing'}`);
    const { name, dtype } = source?.stored[checkpointName] ?? { name: checkpointName, dtype: 'F32' };
    return { name, shape, weight, loadedAs: dtype };
  });
  wrong.push(...[...weights.keys()].map((at) => `${at} is not a parameter of ${model.architecture.name}`));
  if (wrong.length === 0) return parameters;
  throw tesseraeError({
    package: 'hub',
    code: 'E_MODEL_PARAMS',
    message: `the model's weights do not fit its config: ${wrong.slice(0, 8).join('; ')}`,
    fix: 'save the model that createModel, loadPretrained or train returned',
  });
}

/** Tied copies that were stored in the folder the model came from are stored again. */
function copiesOf(
  source: Source | undefined,
  parameters: readonly Stored[],
  types: readonly SafetensorsDtype[],
): SafetensorsInput[] {
  return Object.entries(source?.copies ?? {}).flatMap(([copy, of]) => {
    const name = source!.stored[of]?.name;
    const index = parameters.findIndex((parameter) => parameter.name === name);
    if (index < 0) return [];
    const { shape, weight } = parameters[index];
    return [{ name: copy, dtype: types[index], shape, data: () => denseValues(weight) }];
  });
}

/** What came with the model and is no part of it, unless it has become one. */
function carriedOf(source: Source | undefined, parameters: readonly Stored[]): SafetensorsInput[] {
  return (source?.carried ?? []).filter(({ name }) => !parameters.some((parameter) => parameter.name === name));
}

/** The parameters but those that the folder left out because they are zero, and that still are. */
async function withoutAbsent(parameters: readonly Stored[], source: Source | undefined): Promise<Stored[]> {
  const kept: Stored[] = [];
  for (const parameter of parameters) {
    const absent = source?.absent.includes(parameter.name) ?? false;
    if (!absent || (await denseValues(parameter.weight)).some((value) => value !== 0)) kept.push(parameter);
  }
  return kept;
}

/** config.json: as it came, with what has changed since; all fields for a model made here. */
function configJson(
  form: Form,
  config: ArchitectureConfig,
  source: Source | undefined,
  type: string | undefined,
): ConfigJson {
  const dtypeField = source && 'torch_dtype' in source.json && !('dtype' in source.json) ? 'torch_dtype' : 'dtype';
  if (!source) {
    const fields = form.write(config, false);
    return {
      architectures: [form.className?.(config) ?? classOf(form.classes, config.head)],
      model_type: form.architecture.name,
      ...fields,
      [dtypeField]: type ?? 'float32',
    };
  }
  const newForm = (form.newFormField ?? 'rope_parameters') in source.json;
  const before = form.write(form.read(readFields(source.json, 'config.json'), 'config.json'), newForm);
  const json: Record<string, unknown> = { ...source.json };
  const usual = Object.values(form.classes)[0];
  const headBefore = readHead(source.json.architectures, form.classes, 'config.json') ?? usual;
  if (headBefore !== (config.head ?? usual)) json.architectures = [classOf(form.classes, config.head)];
  for (const [name, value] of Object.entries(form.write(config, newForm))) {
    if (JSON.stringify(value) !== JSON.stringify(before[name])) json[name] = value;
  }
  if (type !== undefined && dtypeField in json) json[dtypeField] = type;
  return json;
}

const writeBytes = (file: string, bytes: Uint8Array): Promise<void> => atomicWrite(file, (out) => out.write(bytes));
const toJson = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Numbers that Python reads as floats: `10000` must be written `10000.0` there. */
const pythonFloats =
  /^(\s*"(?:rope_theta|factor|attention_factor|beta_fast|beta_slow|mscale|mscale_all_dim|low_freq_factor|high_freq_factor|rms_norm_eps|layer_norm_epsilon|initializer_range|attention_dropout|\w+_pdrop)": \d+)(?=,?$)/gm;

/** config.json in bytes: those it came with when nothing has changed. */
function configBytes(json: ConfigJson, source: Source | undefined): Uint8Array {
  if (source && JSON.stringify(json) === JSON.stringify(source.json)) return source.bytes;
  return new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`.replace(pythonFloats, '$1.0'));
}

/** What stands beside config and weights: the files that came with the model, and those of its tokenizer. */
function companionsOf(
  { tokenizer, generation, embedding, config }: Model,
  source: Source | undefined,
): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = { ...source?.companions };
  const own = changedGeneration(generation, files, source?.json ?? {});
  if (own) files['generation_config.json'] = toJson(own);
  const sentence = changedSentenceConfig(embedding, files, config.hiddenSize);
  for (const [name, json] of Object.entries(sentence)) files[name] = toJson(json);
  if (source && tokenizer === source.tokenizer) return { ...files, ...source.tokenizerFiles };
  return tokenizer ? { ...files, 'tokenizer.json': toJson(tokenizer.toJSON()) } : files;
}

const adapterError = (message: string): Error =>
  tesseraeError({
    package: 'hub',
    code: 'E_ADAPTER',
    message,
    fix: 'merge it (mergeAdapter), or save the adapter alone (saveAdapter)',
  });

function checkModel(model: unknown, folder: unknown, options: SaveOptions): void {
  const looksLike = typeof model === 'object' && model !== null && 'architecture' in model && 'params' in model;
  const wrong = !looksLike
    ? ['E_MODEL_PARAMS', 'the first argument is no model', 'give what createModel, loadPretrained or train returned']
    : typeof folder !== 'string' || folder === ''
      ? ['E_PATH', `expected the path of a folder, found ${JSON.stringify(folder) ?? String(folder)}`, 'give a path']
      : options.dtype !== undefined && !Object.hasOwn(dtypes, options.dtype)
        ? [
            'E_UNKNOWN_OPTION',
            `dtype is ${JSON.stringify(options.dtype)}`,
            `use one of ${Object.keys(dtypes).join(', ')}`,
          ]
        : Object.keys(options).some((name) => !saveOptions.includes(name))
          ? [
              'E_UNKNOWN_OPTION',
              `savePretrained has the options ${saveOptions.join(', ')}, found ${Object.keys(options).join(', ')}`,
              'remove the others',
            ]
          : undefined;
  if (!wrong) return;
  const [code, message, fix] = wrong;
  throw tesseraeError({ package: 'hub', code: code as `E_${string}`, message, fix });
}

/**
 * Saves a model as a Hugging Face folder: `model.safetensors` or its shards, `config.json`, and `tokenizer.json` when the
 * model has a tokenizer. A model that was loaded goes out as it came in: names, types, fields that are not understood here,
 * `generation_config.json`, and, as long as the tokenizer is the one it came with, all files of that tokenizer and the chat
 * templates. The files appear together once all of them are on the disk, so that a full disk leaves what was there.
 *
 * @param model the model; it is not changed
 * @param folder the folder; made when it does not exist
 * @param options the type of the weights in the file, the largest shard
 * @throws E_DISK_FULL, E_NOT_WRITABLE, E_WRITE_FAILED, E_PATH; E_MODEL_PARAMS when the weights do not fit the config;
 *   E_UNSUPPORTED for an architecture without a form here; E_ADAPTER for a model with an adapter; E_UNKNOWN_OPTION,
 *   E_SHARD_SIZE
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtempSync, readdirSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { savePretrained } from '@tesserae/hub';
 *
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * await savePretrained(createModel(gpt2, config, { seed: 1 }), folder);
 * console.log(readdirSync(folder)); // → [ 'config.json', 'model.safetensors' ]
 * ```
 */
export async function savePretrained<C>(model: Model<C>, folder: string, options: SaveOptions = {}): Promise<void> {
  checkModel(model, folder, options);
  if (model.adapter) throw adapterError('the model has an adapter, and a folder of this kind holds plain weights');
  const known = model as unknown as Model;
  const source = sourceOf(known.config);
  const form = findForm(forms(), { model_type: known.architecture.name }, 'the model');
  const parameters = await withoutAbsent(collect(known, source), source);
  const types = await chooseDtypes(parameters, options.dtype);
  const tensors = parameters.map(({ name, shape, weight }, i): SafetensorsInput => ({
    name,
    shape,
    dtype: types[i],
    data: () => denseValues(weight),
  }));
  const changed =
    options.dtype !== undefined || source?.retyped === true || types.some((type, i) => type !== parameters[i].loadedAs);
  const fields = configJson(form, known.config, source, changed ? dtypeNames[types[0]] : undefined);
  const json = withAttentionField(fields, known.config);
  const beside = { 'config.json': configBytes(json, source), ...companionsOf(known, source) };
  if (options.weights === false) {
    for (const [name, bytes] of Object.entries(beside)) await writeBytes(path.join(folder, name), bytes);
    return;
  }
  await writeCheckpoint(
    folder,
    [...tensors, ...copiesOf(source, parameters, types), ...carriedOf(source, parameters)],
    {
      maxShardBytes: options.maxShardBytes,
      totalParameters: parameters.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0),
      beside,
    },
  );
}
