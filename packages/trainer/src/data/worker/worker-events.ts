import { createRequire } from 'node:module';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { tesseraeError } from '@tesserae/registry';
import type { SkippedRows } from '../rows/row-core';
import type { BatchEvents } from '../streams/batch-events';
import { errorOf } from '../streams/error-parts';
import type { Preparation } from './describe';
import type { Delivery, Demand, WorkerTask } from './messages';

/** Batches that a worker may be ahead. */
const DEMAND = 8;

/** The worker's program in this package's folder. @throws E_WORKER when it is not there */
export function workerFile(): string {
  try {
    const resolve = typeof require === 'function' ? require : createRequire(path.join(process.cwd(), 'index.js'));
    return path.join(path.dirname(resolve.resolve('@tesserae/trainer/package.json')), 'dist/worker/index.js');
  } catch (cause) {
    throw workerError('@tesserae/trainer cannot be found from here', 'leave prepareIn out', cause);
  }
}

/**
 * The events that a worker makes: the same as those of this thread, from plain data. The worker begins when the first event is
 * asked for and ends when the walk does; what it throws is thrown here, with its code.
 *
 * @param told is told how many rows were passed over
 * @param file the worker's program
 */
export const workerEvents = (
  preparation: Preparation,
  told: (skipped: SkippedRows) => void = () => undefined,
  file: string = workerFile(),
): BatchEvents =>
  async function* (snapshot) {
    const workerData: WorkerTask = { preparation, snapshot };
    const worker = new Worker(file, { workerData, execArgv: [] });
    const arrived: (Delivery | { readonly lost: Error })[] = [];
    let wake: (() => void) | undefined;
    const arrive = (one: (typeof arrived)[number]): void => {
      arrived.push(one);
      wake?.();
    };
    worker.on('message', (delivery: Delivery) => arrive(delivery));
    worker.on('error', (cause) =>
      arrive({ lost: workerError(`the worker failed (${cause.message})`, tryHere, cause) }),
    );
    worker.on('exit', (code) => arrive({ lost: workerError(`the worker ended with code ${code}`, tryHere) }));
    const demand = (batches: number): void => worker.postMessage({ batches } satisfies Demand);
    try {
      demand(DEMAND);
      for (;;) {
        while (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const one = arrived.shift()!;
        if ('lost' in one) throw one.lost;
        if ('failure' in one) throw errorOf(one.failure);
        told(one.skipped);
        if ('batch' in one.event) demand(1);
        yield one.event;
      }
    } finally {
      await worker.terminate();
    }
  };

const tryHere = 'look at the error of the worker, or leave prepareIn out to prepare in this thread';

const workerError = (message: string, fix: string, cause?: unknown): Error =>
  tesseraeError({ package: 'trainer', plugin: 'train', code: 'E_WORKER', message, fix, cause });
