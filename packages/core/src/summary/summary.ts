import * as tf from '@tensorflow/tfjs-core';
import { cacheShapeOf } from '../model/cacheShape';
import { flattenParams } from '../model/params';
import type { ArchitectureConfig, Model } from '../model/types';
import { isWeightForm, weightOperations } from '../model/weight';
import type { Weight } from '../model/weight';
import { formatTable } from './formatTable';

/** One line of a summary: a weight, or the same weight of several layers. */
export interface SummaryRow {
  /** `layers.0-5.attention.query.weight`. */
  readonly name: string;
  /** Shape of one of them. */
  readonly shape: readonly number[];
  /** How many layers have it. */
  readonly count: number;
  /** `float32`, or the kind of weight form. */
  readonly kind: string;
  /** Elements of all of them. */
  readonly parameters: number;
  /** Memory of all of them. */
  readonly bytes: number;
  /** Floating-point operations per token in a forward pass, in all of them. */
  readonly flopsPerToken: number;
}

/** What a model consists of and costs. */
export interface ModelSummary {
  readonly architecture: string;
  readonly rows: readonly SummaryRow[];
  readonly parameters: number;
  /** Without token and position embeddings. */
  readonly nonEmbeddingParameters: number;
  /** Memory of the weights. */
  readonly bytes: number;
  readonly layers: number;
  readonly contextLength: number;
  /** Memory of the key-value cache for each position of one sequence, in float32. */
  readonly cacheBytesPerToken: number;
  readonly flopsPerToken: {
    /** One forward pass at full context. */
    readonly forward: number;
    /** Forward and backward pass: three times as much. */
    readonly training: number;
  };
  /** A table to print. */
  toString(): string;
}

/**
 * Describes a model: its layers with shapes, parameters, bytes, and floating-point operations per token.
 *
 * A multiplication and an addition count as two operations. Matrices cost 2 · in · out, looking up an embedding nothing,
 * attention 4 · heads · headDim · context a layer; norms and activations are left out, as in Chowdhery et al.: "PaLM"
 * (2022), appendix B. A token of an encoder-decoder is one on each side.
 *
 * @param model any model
 * @returns the figures, and a table as its `toString()`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, gpt2, summary } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const model = createModel(gpt2, { vocabSize: 64, hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 32 });
 * const facts = summary(model);
 * console.log(facts.parameters, facts.rows.length > 0, String(facts).includes('layers.0-1')); // → 8128 true true
 * ```
 */
export function summary<C extends ArchitectureConfig>(model: Model<C>): ModelSummary {
  const { config, architecture } = model;
  const { numHiddenLayers: layers, numAttentionHeads: heads, maxPositionEmbeddings: contextLength } = config;
  const headDim = config.headDim ?? config.hiddenSize / heads;
  const cache = cacheShapeOf(model);
  const cached = cache.layers * cache.heads * cache.headDim;
  const speaks = ['causal-lm', 'masked-lm', 'sequence-to-sequence'].includes(config.head ?? 'causal-lm');
  const tied = speaks && !('outputEmbedding' in model.params);
  const weights = flattenParams(model.params).map(([path, weight]) => describe(path, weight, tied));
  const rows = group(weights);
  const total = (field: 'parameters' | 'bytes' | 'flopsPerToken'): number =>
    rows.reduce((sum, row) => sum + row[field], 0);
  const embeddings = rows.filter(({ name }) => isLookup(name)).reduce((sum, row) => sum + row.parameters, 0);
  const attended = layers * heads * headDim + (architecture.encode ? 2 * cached : 0); // a decoder attends twice a layer
  const forward = total('flopsPerToken') + 4 * attended * contextLength;
  const facts = {
    architecture: architecture.name,
    rows,
    parameters: total('parameters'),
    nonEmbeddingParameters: total('parameters') - embeddings,
    bytes: total('bytes'),
    layers,
    contextLength,
    cacheBytesPerToken: 2 * cached * 4,
    flopsPerToken: { forward, training: 3 * forward },
  };
  return { ...facts, toString: () => print(facts) };
}

/** Embeddings and biases are looked up or added, not multiplied with; the tied token embedding is both. */
function isLookup(name: string): boolean {
  return /(^|\.)((token|position|tokenType)Embedding|relativePosition)\./.test(name);
}

/** The token embedding that a tied output multiplies with. */
const isOutput = (path: string): boolean => /^(decoder\.)?tokenEmbedding\./.test(path);

function describe(path: string, weight: Weight, tied: boolean): SummaryRow {
  const form = isWeightForm(weight) ? weightOperations(weight) : undefined;
  const shape = form ? form.shape(weight as never) : ((weight as tf.Tensor).shape as number[]);
  const tensors = form ? Object.values(form.tensors(weight as never)) : [weight as tf.Tensor];
  const parameters = shape.reduce((product, length) => product * length, 1);
  const isMatrix = shape.length === 2 && path.endsWith('.weight');
  const multiplied = isMatrix && (!isLookup(path) || (tied && isOutput(path)));
  return {
    name: path,
    shape,
    count: 1,
    kind: form?.kind ?? (weight as tf.Tensor).dtype,
    parameters,
    bytes: tensors.reduce((sum, tensor) => sum + tensor.size * tf.util.bytesPerElement(tensor.dtype), 0),
    flopsPerToken: multiplied ? 2 * parameters : 0,
  };
}

/** Makes one row of the rows of several layers that differ in nothing but the layer's number. */
function group(rows: readonly SummaryRow[]): SummaryRow[] {
  const groups = new Map<string, { first: SummaryRow; numbers: number[]; rows: SummaryRow[] }>();
  for (const row of rows) {
    const number = /\.(\d+)\./.exec(row.name)?.[1];
    const key =
      number === undefined ? row.name : `${row.name.replace(/\.\d+\./, '.#.')}|${row.shape.join()}|${row.kind}`;
    const found = groups.get(key) ?? { first: row, numbers: [], rows: [] };
    if (number !== undefined) found.numbers.push(Number(number));
    found.rows.push(row);
    groups.set(key, found);
  }
  return [...groups.values()].map(({ first, numbers, rows: same }) => {
    if (same.length === 1) return first;
    const sum = (field: 'parameters' | 'bytes' | 'flopsPerToken'): number =>
      same.reduce((total, row) => total + row[field], 0);
    return {
      ...first,
      name: first.name.replace(/\.\d+\./, `.${ranges(numbers)}.`),
      count: same.length,
      parameters: sum('parameters'),
      bytes: sum('bytes'),
      flopsPerToken: sum('flopsPerToken'),
    };
  });
}

/** 0, 1, 2, 5 → `0-2,5`. */
function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts[parts.length - 1];
    if (last && number === last[1] + 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function print(facts: Omit<ModelSummary, 'toString'>): string {
  const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
  const table = formatTable(
    ['weight', 'shape', 'layers', 'kind', 'parameters', 'bytes', 'FLOPs/token'],
    facts.rows.map((row) => [
      row.name,
      row.shape.join(' × '),
      row.count === 1 ? '' : `${row.count}`,
      row.kind,
      whole(row.parameters),
      whole(row.bytes),
      whole(row.flopsPerToken),
    ]),
    [4, 5, 6],
  );
  return [
    `${facts.architecture}: ${facts.layers} layers, context ${whole(facts.contextLength)}`,
    table,
    `parameters          ${whole(facts.parameters)} (${whole(facts.nonEmbeddingParameters)} without embeddings)`,
    `weights             ${whole(facts.bytes)} bytes`,
    `key-value cache     ${whole(facts.cacheBytesPerToken)} bytes/token`,
    `forward pass        ${whole(facts.flopsPerToken.forward)} FLOPs/token at full context`,
    `training            ${whole(facts.flopsPerToken.training)} FLOPs/token`,
  ].join('\n');
}
