import type { FinishedGraph } from '../graph/finishGraph';
import { nativeDomain } from '../lowering/native/types';
import type { SessionOptions } from '../runtime/types';
import type { ResolvedOptions } from './options';

/** The options of the session that runs a graph: with our own kernels where the graph uses them. */
export function sessionOptions({ session, nativeKernels }: ResolvedOptions, { nodes }: FinishedGraph): SessionOptions {
  const uses = nativeKernels !== undefined && nodes.some(({ domain }) => domain === nativeDomain);
  return uses ? { ...session, operatorLibraries: [...(session.operatorLibraries ?? []), nativeKernels] } : session;
}
