import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import type { ArchitectureConfig, ModelHead, ProblemType } from '../../model/types';
import { configError, requireCounts } from '../checkConfig';

/** The fields of a config that are about its head. */
export interface HeadConfig {
  readonly head: ModelHead;
  readonly numLabels: number;
  readonly problemType: ProblemType | null;
}

/** Their defaults; two labels, as in transformers. */
export function headDefaults(head: ModelHead, numLabels = 2): HeadConfig {
  return { head, numLabels, problemType: null };
}

/** Refuses heads that an architecture does not have, and impossible numbers of labels. */
export function checkHead(architecture: string, config: ArchitectureConfig, known: readonly ModelHead[]): void {
  if (!known.includes(config.head!)) {
    throw configError(architecture, `there is no head '${String(config.head)}'`, `use one of ${known.join(', ')}`);
  }
  requireCounts(architecture, config, ['numLabels']);
  const types: readonly unknown[] = [null, 'single-label', 'multi-label', 'regression'];
  if (!types.includes(config.problemType)) {
    throw configError(
      architecture,
      `problemType is '${String(config.problemType)}'`,
      `use ${types.slice(1).join(', ')} or null`,
    );
  }
}

/** One position of each row: x [B, T, D], positions int32 [B] → [B, D]. Its gradient is a product, fast everywhere. */
export function pickPositions(x: tf.Tensor, positions: tf.Tensor): tf.Tensor {
  const [batch, time, width] = x.shape as [number, number, number];
  const chosen = tf.cast(tf.equal(tf.expandDims(positions, 1), tf.range(0, time, 1, 'int32')), 'float32'); // [B, T]
  return tf.reshape(tf.matMul(tf.reshape(chosen, [batch, 1, time]), x as tf.Tensor3D), [batch, width]);
}

/** The first position of each row: [B, T, D] → [B, D]. */
export function firstPosition(x: tf.Tensor): tf.Tensor {
  const [batch, , width] = x.shape as [number, number, number];
  return tf.reshape(tf.slice(x, [0, 0, 0], [batch, 1, width]), [batch, width]);
}

/**
 * Where the last end-of-sequence token of each row stands, which BART's and T5's classifiers read: ids [B, S] → int32 [B].
 * A row without one takes position 0.
 */
export function lastEosPosition(name: string, ids: tf.Tensor, { eosTokenId }: ArchitectureConfig): tf.Tensor {
  const eos = typeof eosTokenId === 'number' ? eosTokenId : eosTokenId?.[0];
  if (eos === undefined) {
    throw tesseraeError({
      package: 'core',
      code: 'E_CONFIG',
      message: `${name}: the classifier reads the last end-of-sequence token, and eosTokenId is not set`,
      fix: 'set eosTokenId in the config',
    });
  }
  const [, time] = ids.shape as [number, number];
  const found = tf.cast(tf.equal(ids, tf.scalar(eos, 'int32')), 'int32'); // [B, S]
  return tf.max(tf.mul(found, tf.range(0, time, 1, 'int32')), 1); // [B]
}
