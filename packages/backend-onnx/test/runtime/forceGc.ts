import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The garbage collector, callable: V8 only offers it under a flag. */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** Collects what is unreachable and lets finalizers run. */
export async function collect(gc: () => void, rounds = 3): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
