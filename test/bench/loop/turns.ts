/** Runs that make one step each in turn, so that whatever else the machine does meets all of them alike. */
export interface Turns {
  /** Waits until it is the turn of a run, which is over when the run asks again or leaves. */
  take(run: number): Promise<void>;
  leave(run: number): void;
}

/** @param runs how many runs there are; run 0 is first */
export function createTurns(runs: number): Turns {
  const waiting = new Map<number, () => void>();
  const left = new Set<number>();
  let holder: number | undefined; // nobody before all have asked
  const give = (after: number): void => {
    for (let i = 1; i <= runs; i++) {
      const next = (after + i) % runs;
      if (left.has(next)) continue;
      holder = next;
      const wake = waiting.get(next);
      waiting.delete(next);
      return wake?.();
    }
  };
  return {
    take: (run) =>
      new Promise((resolve) => {
        waiting.set(run, resolve);
        if (holder === run) give(run);
        else if (holder === undefined && waiting.size + left.size === runs) give(-1);
      }),
    leave(run) {
      left.add(run);
      if (holder === run) give(run);
      else if (holder === undefined && waiting.size + left.size === runs) give(-1);
    },
  };
}
