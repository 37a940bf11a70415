import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { foldIn, keyTensor } from '@tesserae/core';
import type { Key } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { ObjectiveBatch } from '../objectives/index';

/** The label that does not count. */
export const IGNORED_LABEL = -100;

/** The lists of a batch as tensors [B, …] by their names, and the keys of dropout, int32 [draws, 4], in training. */
export interface BatchTensors {
  readonly [name: string]: Tensor;
}

/** The name under which the keys of dropout come into a program. */
export const KEYS = 'dropoutKeys';

const lists = (batch: ObjectiveBatch): [string, Int32Array | Float32Array][] =>
  Object.entries(batch).filter((entry): entry is [string, Int32Array | Float32Array] => entry[1] !== undefined);

/** The batch as tensors; with `key` also `draws` keys for dropout. */
export function batchTensors(batch: ObjectiveBatch, rows: number, key?: Key, draws = 1): BatchTensors {
  const tensors = lists(batch).map(
    ([name, list]) =>
      [
        name,
        tf.tensor2d(list, [rows, list.length / rows], list instanceof Float32Array ? 'float32' : 'int32'),
      ] as const,
  );
  return { ...Object.fromEntries(tensors), ...(key === undefined ? {} : { [KEYS]: dropoutKeys(key, draws) }) };
}

/** The first is the key itself, so that objectives with one draw are what they were. */
function dropoutKeys(key: Key, draws: number): Tensor {
  return tf.tidy(() =>
    tf.stack(Array.from({ length: draws }, (_, draw) => keyTensor(draw === 0 ? key : foldIn(key, draw)))),
  ); // [draws, 4]
}

/** How much a batch weighs against others: its labels that count, or its rows where it has no labels. */
export function countLabels({ labels }: ObjectiveBatch, rows: number): number {
  if (labels === undefined) return rows;
  if (labels instanceof Float32Array) return labels.length;
  let count = 0;
  for (const label of labels) if (label !== IGNORED_LABEL) count++;
  return count;
}

/** Some rows of a batch of `all` rows. */
export function rowsOf(batch: ObjectiveBatch, first: number, rows: number, all: number): ObjectiveBatch {
  const part = (list: Int32Array | Float32Array): Int32Array | Float32Array =>
    list.subarray((first * list.length) / all, ((first + rows) * list.length) / all);
  return Object.fromEntries(lists(batch).map(([name, list]) => [name, part(list)])) as unknown as ObjectiveBatch;
}

/** What a batch has to be. */
export interface BatchForm {
  readonly rows: number;
  readonly contextLength: number;
  readonly vocabSize: number;
  /** Whether labels are token ids, one for each id. */
  readonly nextToken: boolean;
}

/** @throws E_BATCH */
export function checkBatch(batch: ObjectiveBatch, form: BatchForm): void {
  const { rows, contextLength, vocabSize, nextToken } = form;
  const { inputIds, labels } = batch;
  const wanted = rows * contextLength;
  const uneven = lists(batch).some(([, list]) => list.length % rows !== 0);
  const fits = nextToken
    ? inputIds.length === wanted && labels?.length === wanted
    : inputIds.length <= wanted && !uneven;
  if (!fits || inputIds.length === 0) {
    const found = `${inputIds.length} ids and ${labels?.length ?? 0} labels`;
    throw batchError(
      `a step of ${rows} rows of ${contextLength} tokens needs ${wanted} of each, found ${found}`,
      'give batchSize · accumulationSteps rows of contextLength',
    );
  }
  const outside = (id: number): boolean => id < 0 || id >= vocabSize;
  const stray =
    inputIds.find(outside) ?? (nextToken ? labels?.find((id) => id !== IGNORED_LABEL && outside(id)) : undefined);
  if (stray !== undefined) {
    throw batchError(
      `the batch has the id ${stray}; the vocabulary ends at ${vocabSize - 1}`,
      'encode with the tokenizer of the model',
    );
  }
  if (countLabels(batch, rows) === 0) {
    throw batchError(
      'every label of the batch is ignored, so there is no loss',
      `give at least one label other than ${IGNORED_LABEL}`,
    );
  }
}

const batchError = (message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', code: 'E_BATCH', message, fix });
