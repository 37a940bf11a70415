import type { Plain } from '../../checkpoints/format';
import type { ObjectiveBatch } from '../../objectives/objective';

/** What a stream of batches is made of: batches, and before some of them a state from which they can be made again. */
export type BatchEvent = { readonly snapshot: Plain } | { readonly batch: ObjectiveBatch };

/** Makes the events from a snapshot on, or from the beginning; they never end. */
export type BatchEvents = (snapshot: Plain | undefined) => AsyncGenerator<BatchEvent, void, undefined>;

/** Batches from one snapshot to the next: what a continuation makes again at most, give or take a unit. */
export const SNAPSHOT_EVERY = 16;
