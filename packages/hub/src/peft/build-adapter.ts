import * as tf from '@tensorflow/tfjs-core';
import {
  isWeightForm,
  lowRank,
  mapParams,
  promptTable,
  scaled,
  tokenEmbeddingScale,
  weightOperations,
  withAdapter,
  withVirtualTokens,
} from '@tesserae/core';
import type { Model, ModelMatrix, Params, SafetensorsEntry, SafetensorsFile, Weight } from '@tesserae/core';
import { denseValues } from '../folders/dense-values';
import type { AdapterFields, LoraFields } from './adapter-config';
import { meansModule } from './adapter-names';
import { adapterShape, missingTensors, otherBase } from './peft-errors';
import type { MatrixParts, SortedTensors } from './sort-tensors';

/** An adapter about to be built. */
export interface AdapterParts {
  readonly file: SafetensorsFile;
  readonly weightsFile: string;
  readonly fields: AdapterFields;
  readonly sorted: SortedTensors;
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Reads the tensors and puts them around the base's; frees what was read when something does not fit. */
export async function buildAdapter<C>(base: Model<C>, parts: AdapterParts): Promise<Model<C>> {
  const own: tf.Tensor[] = [];
  const read = async ({ name }: SafetensorsEntry, shape: readonly number[]): Promise<tf.Tensor> => {
    const { data } = await parts.file.read(name);
    const tensor = tf.tensor(data as Float32Array, [...shape], 'float32');
    own.push(tensor);
    return tensor;
  };
  try {
    const { fields } = parts;
    const changed = fields.type === 'PROMPT_TUNING' ? await prompted(base, parts, read) : await around(parts, read);
    await checkCopies(base, parts);
    for (const [path, tensor] of await wholeParameters(base, parts, read)) changed.set(path, tensor);
    const params = mapParams(base.params, (weight, path) => changed.get(path) ?? weight);
    return finish(base, params, parts);
  } catch (error) {
    for (const tensor of own) tensor.dispose();
    throw error;
  }
}

type Read = (entry: SafetensorsEntry, shape: readonly number[]) => Promise<tf.Tensor>;

function finish<C>(base: Model<C>, params: Params, { fields, sorted }: AdapterParts): Model<C> {
  const whole = [...sorted.whole.keys()];
  if (fields.type === 'PROMPT_TUNING') {
    const known = base as unknown as Model;
    const architecture = withVirtualTokens(
      known.architecture,
      fields.virtualTokens,
    ) as unknown as typeof base.architecture;
    const settings = { virtualTokens: fields.virtualTokens };
    return withAdapter({ ...base, architecture }, params, { method: 'prompt-tuning', base, whole, settings });
  }
  if (fields.type === 'IA3') return withAdapter(base, params, { method: 'ia3', base, whole, settings: {} });
  const { rank, alpha, dropout, rankStabilized, decomposed, bias } = fields;
  const biases = bias === 'lora_only' ? 'targets' : bias;
  const settings = { rank, alpha, dropout, rankStabilized, decomposed, biases };
  return withAdapter(base, params, { method: 'lora', base, whole, settings });
}

/** The weight forms around matrices, by path. */
async function around(parts: AdapterParts, read: Read): Promise<Map<string, Weight>> {
  const forms = new Map<string, Weight>();
  for (const [path, { matrix, found }] of parts.sorted.parts) {
    const { fields } = parts;
    forms.set(
      path,
      fields.type === 'LORA'
        ? await lowRankOf(matrix, found, fields, parts, read)
        : await scaledOf(matrix, found, parts, read),
    );
  }
  return forms;
}

/** The value of a pattern table for a module, by the first name that means it. */
const patternValue = (table: Readonly<Record<string, number>>, module: string): number | undefined => {
  const key = Object.keys(table).find((name) => meansModule(name, module));
  return key === undefined ? undefined : table[key];
};

async function lowRankOf(
  matrix: ModelMatrix,
  { a, b, magnitude }: MatrixParts,
  fields: LoraFields,
  { weightsFile }: AdapterParts,
  read: Read,
): Promise<Weight> {
  const { inputs, outputs, checkpointModule: module, layout, isTable: table } = matrix;
  const rank = patternValue(fields.rankPattern, module) ?? fields.rank;
  const alpha = patternValue(fields.alphaPattern, module) ?? fields.alpha;
  check(weightsFile, a!, [rank, inputs], 0);
  check(weightsFile, b!, [outputs, rank], 1);
  if (magnitude && size(magnitude.shape) !== outputs) throw misfit(weightsFile, magnitude, `${outputs} numbers`);
  return lowRank(matrix.weight, {
    a: await read(a!, [rank, inputs]),
    b: await read(b!, [outputs, rank]),
    scale: alpha / (fields.rankStabilized ? Math.sqrt(rank) : rank),
    layout,
    table,
    dropout: fields.dropout,
    magnitude: magnitude && (await read(magnitude, [outputs])),
  });
}

/** A shape that differs along the rank does not fit the config; one that differs along the features is of another base. */
function check(what: string, entry: SafetensorsEntry, expected: readonly number[], rankAxis: number): void {
  const { shape, name } = entry;
  if (shape.join() === expected.join()) return;
  const features = shape.length === 2 && shape[1 - rankAxis] !== expected[1 - rankAxis];
  if (features) throw misfit(what, entry, `[${expected.join(', ')}]`);
  throw adapterShape(what, name, shape, `[${expected.join(', ')}] by the rank of its config`);
}

const misfit = (what: string, { name, shape }: SafetensorsEntry, expected: string): Error =>
  otherBase(
    `${what}: ${name} is [${shape.join(', ')}]; this base asks for ${expected}`,
    'load the base that the adapter was trained on',
  );

/** PEFT stores factors of inputs as a row, those of outputs as a column. */
async function scaledOf(
  matrix: ModelMatrix,
  { scale }: MatrixParts,
  { weightsFile }: AdapterParts,
  read: Read,
): Promise<Weight> {
  const { inputs, outputs, layout, weight } = matrix;
  const [rows, columns] = scale!.shape;
  const side = scale!.shape.length === 2 && rows === 1 && columns !== 1 ? 'input' : 'output';
  const count = side === 'input' ? inputs : outputs;
  const fits = scale!.shape.length === 2 && size(scale!.shape) === count && (side === 'input' || columns === 1);
  if (!fits) throw misfit(weightsFile, scale!, side === 'input' ? `[1, ${inputs}]` : `[${outputs}, 1]`);
  return scaled(weight, { scale: await read(scale!, [count]), side, layout });
}

/** The token embedding with its virtual tokens. */
async function prompted<C>(base: Model<C>, parts: AdapterParts, read: Read): Promise<Map<string, Weight>> {
  const { sorted, fields, weightsFile } = parts;
  const { prompt } = sorted;
  const known = base as unknown as Model;
  const virtual = fields.type === 'PROMPT_TUNING' ? fields.virtualTokens : 0;
  const limit = known.architecture.positionLimit?.(known.config) ?? known.config.maxPositionEmbeddings;
  const forms = new Map<string, Weight>();
  if (prompt!.shape.length !== 2 || prompt!.shape[0] !== virtual)
    throw adapterShape(weightsFile, prompt!.name, prompt!.shape, `[${virtual}, …] by num_virtual_tokens`);
  if (prompt!.shape[1] !== known.config.hiddenSize)
    throw misfit(weightsFile, prompt!, `[${virtual}, ${known.config.hiddenSize}]`);
  if (virtual >= limit) throw misfit(weightsFile, prompt!, `fewer than its ${limit} positions`);
  const rows = await read(prompt!, prompt!.shape);
  mapParams(base.params, (weight, path) => {
    if (forms.size === 0 && (path === 'tokenEmbedding.weight' || path === 'encoder.tokenEmbedding.weight'))
      forms.set(path, promptTable(weight, rows, tokenEmbeddingScale(known)));
    return weight;
  });
  if (forms.size === 0) throw missingTensors(weightsFile, ['a token embedding to stand behind']);
  return forms;
}

/** Parameters that the adapter replaces. */
async function wholeParameters<C>(
  base: Model<C>,
  { sorted, weightsFile }: AdapterParts,
  read: Read,
): Promise<Map<string, tf.Tensor>> {
  const specs = new Map(base.architecture.parameters(base.config).map((spec) => [spec.path, spec]));
  const tensors = new Map<string, tf.Tensor>();
  for (const [path, entry] of sorted.whole) {
    const { shape } = specs.get(path)!;
    if (shape.join() !== entry.shape.join()) throw misfit(weightsFile, entry, `[${shape.join(', ')}]`);
    tensors.set(path, await read(entry, shape));
  }
  return tensors;
}

/** PEFT stores embeddings that have an adapter along with it; they must be the base's. */
async function checkCopies<C>(base: Model<C>, { sorted, file, weightsFile }: AdapterParts): Promise<void> {
  const weights = new Map<string, Weight>();
  mapParams(base.params, (weight, path) => (weights.set(path, weight), weight));
  for (const [path, entry] of sorted.ofBase) {
    const weight = weights.get(path)!;
    const shape = isWeightForm(weight) ? weightOperations(weight).shape(weight) : weight.shape;
    if (shape.join() !== entry.shape.join()) throw misfit(weightsFile, entry, `[${shape.join(', ')}]`);
    const [stored, present] = [(await file.read(entry.name)).data as Float32Array, await denseValues(weight)];
    const tolerance = entry.dtype === 'F32' ? 0 : 1e-2;
    if (!present.every((value, i) => Math.abs(value - stored[i]) <= tolerance * (1 + Math.abs(value))))
      throw otherBase(
        `${weightsFile}: ${entry.name} differs from the base's`,
        'load the base that the adapter was trained on',
      );
  }
}
