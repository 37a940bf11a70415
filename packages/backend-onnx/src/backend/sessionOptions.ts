import type { FinishedGraph } from '../graph/finishGraph';
import { nativeDomain } from '../lowering/native/types';
import type { SessionOptions } from '../runtime/types';
import type { ResolvedOptions } from './options';

/**
 * ONNX Runtime draws up a plan of memory in a session's first run, and takes one block for it in the second, beside what
 * the first took: memory is held twice. Where nodes make more than this many elements (64 MiB of float32), a plan costs
 * more than it saves.
 */
const plannedElements = 2 ** 24;

/** The options of the session that runs a graph: with our own kernels where the graph uses them, without a plan of much memory. */
export function sessionOptions(
  { session, nativeKernels }: ResolvedOptions,
  { nodes, madeElements }: FinishedGraph,
): SessionOptions {
  const planned = madeElements <= plannedElements ? session : { ...session, memoryPattern: false };
  const uses = nativeKernels !== undefined && nodes.some(({ domain }) => domain === nativeDomain);
  return uses ? { ...planned, operatorLibraries: [...(session.operatorLibraries ?? []), nativeKernels] } : planned;
}
