import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { compile } from '@tesserae/core';
import type { ForwardInputs, ForwardOutput, Model, Params } from '@tesserae/core';
import { evaluationAborted } from '../aborted';
import type { EvaluationContext } from '../task';
import { bucketRows, paddedLength } from './buckets';
import { positionsOf } from './positions';

/** One row of what goes into a forward pass, by the names of `ForwardInputs`, and whatever else the program reads. */
export type ForwardRow = Readonly<Record<string, ArrayLike<number>>>;

/** What a row is filled up with, by name: 0 when absent. */
export type Fillers = Readonly<Record<string, number>>;

/** Tensors by name, int32 [B, T]. */
export type RowTensors = Readonly<Record<string, Tensor>>;

/** How rows go through a model. */
export interface ForwardRun {
  readonly name: string;
  /** What is wanted of the output of a batch, [B, …]; a part of the compiled program. */
  pick(output: ForwardOutput, tensors: RowTensors): Tensor;
  /** What shorter rows are filled up with, on the right. */
  readonly fillers?: Fillers;
  /** Tell the model what is padding: true. Decoders do not need it, since padding on the right is in their future. */
  readonly mask?: boolean;
}

const inputNames = ['inputIds', 'tokenTypeIds', 'decoderInputIds'] as const;

function tensorsOf(rows: readonly ForwardRow[], length: number, fillers: Fillers, longest: number): RowTensors {
  const tensors: Record<string, Tensor> = {};
  for (const name of Object.keys(rows[0])) {
    const own = Math.max(...rows.map((row) => row[name].length));
    const width = own === Math.max(...rows.map((row) => row.inputIds.length)) ? length : paddedLength(own, longest);
    const values = new Int32Array(rows.length * width).fill(fillers[name] ?? 0);
    rows.forEach((row, i) => values.set(Int32Array.from(row[name]), i * width));
    tensors[name] = tf.tensor2d(values, [rows.length, width], 'int32');
  }
  return tensors;
}

function maskOf(rows: readonly ForwardRow[], name: string, width: number): Tensor {
  const mask = new Int32Array(rows.length * width);
  rows.forEach((row, i) => mask.fill(1, i * width, i * width + row[name].length));
  return tf.tensor2d(mask, [rows.length, width], 'int32');
}

/**
 * Runs rows through a model in batches of like length, as one compiled program for each shape, and reads only what is
 * picked.
 *
 * @returns for each row, in the order given, its part of what was picked
 */
export async function runForward(
  model: Model,
  rows: readonly ForwardRow[],
  { name, pick, fillers = {}, mask = true }: ForwardRun,
  context: EvaluationContext,
): Promise<Float32Array[]> {
  const { architecture, config, params } = model;
  const program = compile(
    (weights: Params, tensors: RowTensors) => {
      const inputs = Object.fromEntries(
        [...inputNames, 'attentionMask', 'decoderAttentionMask']
          .filter((input) => tensors[input] !== undefined)
          .map((input) => [input, tensors[input]]),
      ) as unknown as ForwardInputs;
      return pick(architecture.forward(weights, inputs, { config }), tensors);
    },
    { name },
  );
  const found = new Array<Float32Array>(rows.length);
  const longest = positionsOf(model);
  const lengths = rows.map((row) => row.inputIds.length);
  const batchSize = Math.min(context.batchSize, rows.length);
  try {
    for (const bucket of bucketRows(lengths, batchSize, longest)) {
      const batch = Array.from({ length: batchSize }, (_, i) => rows[bucket.rows[i] ?? bucket.rows[0]]); // one shape
      const tensors: Record<string, Tensor> = { ...tensorsOf(batch, bucket.length, fillers, longest) };
      if (mask) tensors.attentionMask = maskOf(batch, 'inputIds', tensors.inputIds.shape[1]!);
      if (mask && tensors.decoderInputIds)
        tensors.decoderAttentionMask = maskOf(batch, 'decoderInputIds', tensors.decoderInputIds.shape[1]!);
      const values = await read(
        () => program.runAsyncWith({ signal: context.signal }, params, tensors),
        tensors,
        context,
      );
      const size = values.length / batchSize;
      bucket.rows.forEach((row, i) => (found[row] = values.slice(i * size, (i + 1) * size)));
      await context.advance(bucket.rows.length);
    }
  } finally {
    program.dispose();
  }
  return found;
}

async function read(
  run: () => Promise<Tensor>,
  inputs: RowTensors,
  { signal }: EvaluationContext,
): Promise<Float32Array> {
  let picked: Tensor | undefined;
  try {
    picked = await run();
    return (await picked.data()) as Float32Array;
  } catch (error) {
    throw signal?.aborted === true ? evaluationAborted(error) : error;
  } finally {
    picked?.dispose();
    tf.dispose(Object.values(inputs));
  }
}
