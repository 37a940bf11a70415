import type { Plain } from '../../checkpoints/format';
import type { ObjectiveBatch } from '../../objectives/objective';
import { badState } from '../rows/row-errors';
import type { BatchEvent, BatchEvents } from './batch-events';

/** Batches one after the other, with a state that continues them. */
export interface BatchStream {
  next(): Promise<ObjectiveBatch>;
  /** Where the stream stands after the batches that were given. */
  state(): Plain;
  close(): Promise<void>;
}

interface StreamState {
  readonly kind: 'stream';
  readonly snapshot: Plain;
  /** Batches given since the snapshot. */
  readonly since: number;
}

/**
 * A stream of batches that are made ahead: while one is used the next ones are made, up to a bound. What goes wrong while
 * they are made is thrown when they are asked for.
 */
export function openStream(events: BatchEvents, state: Plain | undefined, ahead: number): BatchStream {
  const from = state === undefined ? undefined : checkState(state);
  const source = events(from?.snapshot);
  const queue: (BatchEvent | { readonly failure: unknown })[] = [];
  let drop = from?.since ?? 0;
  let snapshot: Plain = from?.snapshot ?? null;
  let since = from?.since ?? 0;
  let filling: Promise<void> | undefined;
  let closed = false;

  const batches = (): number => queue.filter((event) => 'batch' in event).length;
  const fill = async (): Promise<void> => {
    while (!closed && batches() < ahead) {
      try {
        const { value } = await source.next();
        if (value === undefined) return;
        if (drop > 0) {
          if ('batch' in value) drop--;
        } else queue.push(value);
      } catch (failure) {
        queue.push({ failure });
        return;
      }
    }
  };
  const refill = (): Promise<void> => (filling ??= fill().finally(() => (filling = undefined)));

  return {
    async next() {
      for (;;) {
        const event = queue.shift();
        if (event === undefined) {
          await refill();
          if (queue.length === 0) throw badState('the stream was closed');
        } else if ('failure' in event) {
          queue.unshift(event); // it stays what it is
          throw event.failure;
        } else if ('snapshot' in event) [snapshot, since] = [event.snapshot, 0];
        else {
          since++;
          void refill();
          return event.batch;
        }
      }
    },
    state: () => ({ kind: 'stream', snapshot, since }),
    async close() {
      closed = true;
      await filling;
      await source.return(undefined);
    },
  };
}

function checkState(state: Plain): StreamState {
  const { kind, snapshot, since } = state as Partial<StreamState>;
  if (kind === 'stream' && snapshot !== undefined && Number.isSafeInteger(since) && since! >= 0)
    return state as unknown as StreamState;
  throw badState('it is no state of a stream of batches');
}
