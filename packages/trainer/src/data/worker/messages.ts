import type { Plain } from '../../checkpoints/format';
import type { SkippedRows } from '../rows/row-core';
import type { BatchEvent } from '../streams/batch-events';
import type { PlainError } from '../streams/error-parts';
import type { Preparation } from './describe';

/** What a worker is started with. */
export interface WorkerTask {
  readonly preparation: Preparation;
  readonly snapshot: Plain | undefined;
}

/** What a worker is told: so many more batches may be made. */
export interface Demand {
  readonly batches: number;
}

/** What a worker tells. */
export type Delivery = { readonly event: BatchEvent; readonly skipped: SkippedRows } | { readonly failure: PlainError };
