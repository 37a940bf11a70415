import { createKey, foldIn, permutation, splitKey } from '@tesserae/core';
import type { Key, Model } from '@tesserae/core';
import { packSequences } from '../data/packing/pack-sequences';
import type { ObjectiveBatch, ObjectiveSettings, PackableSequence, PreparedData } from './objective';
import { evaluationParts, fingerprintOf, longestRow, splitForEvaluation } from './padded-rows';
import type { PaddedRows } from './padded-rows';
import { cannotPack } from './packing-errors';

/** The rows to learn from, and those of evaluations. */
interface Split<R> {
  readonly train: readonly R[];
  readonly validation: readonly R[];
}

/** Tokens of a row of the batch. @throws E_PACKING where nothing says how many */
function widthOf(objective: string, model: Model, settings: ObjectiveSettings): number {
  const width = longestRow(model, settings);
  if (Number.isFinite(width)) return width;
  throw cannotPack(objective, `${model.architecture.name} takes rows of any length`, 'give contextLength');
}

/**
 * Rows that share rows of the batch: those of a buffer at a time are packed, and the packs of an epoch come in a random
 * order. In every epoch each row stands in one pack. Like the order of padded rows, all follows from the seed and the step.
 */
export function preparePacked<R>(
  model: Model,
  settings: ObjectiveSettings,
  source: PaddedRows<R>,
  split: Split<R> = splitForEvaluation(source, settings),
): PreparedData {
  const width = widthOf(source.objective, model, settings);
  const [orderKey, rowKey, evaluationKey, packKey] = splitKey(createKey(settings.seed), 4);
  const { buffer } = settings.packing!;
  const sequencesOf = (rows: readonly R[]): PackableSequence[] =>
    rows.map((row) => ({
      length: source.make(row, rowKey).inputIds.length,
      make: (key) => source.make(row, key),
    }));
  const train = sequencesOf(split.train);
  const batchOf = (packs: readonly (readonly PackableSequence[])[], key: Key): ObjectiveBatch =>
    join(packs, key, width, source);

  let made: { epoch: number; packs: PackableSequence[][] } = { epoch: -1, packs: [] };
  const firsts = [0]; // the number of the first pack of each epoch that is known
  const packsOf = (epoch: number): PackableSequence[][] => {
    if (made.epoch === epoch) return made.packs;
    const order = permutation(foldIn(orderKey, epoch), train.length);
    const packs = packInBuffers(
      Array.from(order, (at) => train[at]),
      width,
      buffer,
    );
    const shuffled = Array.from(permutation(foldIn(packKey, epoch), packs.length), (at) => packs[at]);
    made = { epoch, packs: shuffled };
    if (firsts.length === epoch + 1) firsts.push(firsts[epoch] + packs.length);
    return shuffled;
  };
  const packAt = (index: number): PackableSequence[] => {
    while (firsts[firsts.length - 1] <= index) packsOf(firsts.length - 1);
    let epoch = firsts.length - 2;
    while (firsts[epoch] > index) epoch--;
    return packsOf(epoch)[index - firsts[epoch]];
  };
  return {
    contextLength: width,
    fingerprint: fingerprintOf(source),
    packable: { sequences: train, batchOf },
    evaluationBatches: evaluationParts(packInBuffers(sequencesOf(split.validation), width, Infinity), settings, []).map(
      (packs, i) => batchOf(packs, foldIn(evaluationKey, i)),
    ),
    sampler: (step) =>
      batchOf(
        Array.from({ length: settings.rows }, (_, i) => packAt(step * settings.rows + i)),
        foldIn(rowKey, step),
      ),
  };
}

function packInBuffers(sequences: readonly PackableSequence[], width: number, buffer: number): PackableSequence[][] {
  const packs: PackableSequence[][] = [];
  for (let at = 0; at < sequences.length; at += buffer) packs.push(...packAll(sequences.slice(at, at + buffer), width));
  return packs;
}

/** The packs of some sequences. */
export const packAll = (sequences: readonly PackableSequence[], width: number): PackableSequence[][] =>
  packSequences(
    sequences.map(({ length }) => length),
    width,
  ).map((pack) => pack.map((i) => sequences[i]));

/** A batch of packs: the sequences of each side by side, what is left filled up, and which token belongs to which. */
function join<R>(
  packs: readonly (readonly PackableSequence[])[],
  key: Key,
  width: number,
  { fillers, floats = [] }: PaddedRows<R>,
): ObjectiveBatch {
  const size = packs.length * width;
  const batch: Record<string, Int32Array | Float32Array> = { sequenceIds: new Int32Array(size) };
  const listOf = (name: string): Int32Array | Float32Array =>
    (batch[name] ??= (floats.includes(name) ? new Float32Array(size) : new Int32Array(size)).fill(fillers[name] ?? 0));
  for (const name of Object.keys(fillers)) listOf(name);
  let number = 0; // of the sequence in the batch
  packs.forEach((pack, row) => {
    let at = row * width;
    pack.forEach((sequence, i) => {
      for (const [name, list] of Object.entries(sequence.make(foldIn(key, number++)))) listOf(name).set(list, at);
      batch.sequenceIds.fill(i + 1, at, at + sequence.length);
      at += sequence.length;
    });
  });
  return batch as unknown as ObjectiveBatch;
}
