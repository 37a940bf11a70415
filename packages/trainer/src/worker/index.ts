// The program of the worker that prepares data: started by path, never imported.
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerTask } from '../data/worker/messages';
import { serve } from '../data/worker/serve';

if (parentPort !== null) void serve(parentPort, workerData as WorkerTask);
