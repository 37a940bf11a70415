import type { MessagePort } from 'node:worker_threads';
import { plainError } from '../streams/error-parts';
import type { Delivery, Demand, WorkerTask } from './messages';
import { buildPreparation } from './rebuild';

/** Makes batches in a worker, as many as are asked for, until it is ended. */
export async function serve(port: MessagePort, { preparation, snapshot }: WorkerTask): Promise<void> {
  let allowed = 0;
  let wake: (() => void) | undefined;
  port.on('message', ({ batches }: Demand) => {
    allowed += batches;
    wake?.();
  });
  const send = (delivery: Delivery, transfer: ArrayBuffer[] = []): void => port.postMessage(delivery, transfer);
  try {
    const { events, source } = buildPreparation(preparation);
    const made = events(snapshot);
    for (;;) {
      while (allowed === 0) await new Promise<void>((resolve) => (wake = resolve));
      const { value: event } = await made.next();
      if (event === undefined) return;
      const lists = 'batch' in event ? Object.values(event.batch).filter((list) => list !== undefined) : [];
      const buffers = new Set(lists.map((list) => list.buffer as ArrayBuffer));
      if ('batch' in event) allowed--;
      const { count, examples } = source.skipped;
      send({ event, skipped: { count, examples: [...examples] } }, [...buffers]);
    }
  } catch (error) {
    send({ failure: plainError(error) });
  }
}
