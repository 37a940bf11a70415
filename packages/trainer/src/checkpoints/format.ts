import path from 'node:path';
import type { EvaluationRecord, RollbackRecord, StepRecord } from '../loop/history';

/** What stands in every JSON file of a checkpoint, so that a foreign folder is told from a damaged one. */
export const CHECKPOINT_FORMAT = 'tesserae.training-checkpoint';
export const CHECKPOINT_VERSION = 1;

/** The files of a checkpoint folder; the last is written last and vouches for the others. */
export const checkpointFiles = {
  parameters: 'model.safetensors',
  optimizer: 'optimizer.safetensors',
  state: 'trainer.json',
  /** Only there when the run may go back to another state than that of the checkpoint. */
  kept: 'kept.safetensors',
  marker: 'complete.json',
} as const;

/** A value that survives JSON unchanged. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };

/** What makes two runs the same run. */
export interface RunIdentity {
  /** Architecture, config and parameters. */
  readonly model: { readonly [name: string]: Plain };
  /** Fingerprint of the token ids and their split. */
  readonly data: string;
  /** Options that the parameters after n steps depend on. */
  readonly options: { readonly [name: string]: Plain };
  /** What may change between two parts of a run, at the price of exact repetition. */
  readonly surroundings: { readonly [name: string]: Plain };
}

/** The state of a run beside its tensors. */
export interface TrainerState {
  /** Updates made. */
  readonly step: number;
  readonly identity: RunIdentity;
  readonly steps: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly best?: EvaluationRecord | undefined;
  /** Where the data stands, when its batches come one after the other. */
  readonly data?: Plain | undefined;
  readonly rollbacks: readonly RollbackRecord[];
  /** What callbacks keep, by their names. */
  readonly callbacks: Readonly<Record<string, Plain>>;
  /** The states that the run may go back to; their tensors stand in `kept.safetensors`, or are those of the checkpoint. */
  readonly kept: readonly { readonly step: number; readonly settleSteps: number }[];
}

/** One file as the marker vouches for it. */
export interface FileDigest {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** `step-000100`. */
export const checkpointName = (step: number): string => `step-${String(step).padStart(6, '0')}`;

/** The step in a folder's name, or undefined when it is no name of ours. */
export function stepOfName(name: string): number | undefined {
  const digits = /^step-(\d{6,15})$/.exec(path.basename(name))?.[1];
  return digits === undefined ? undefined : Number(digits);
}
