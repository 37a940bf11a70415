/** What one bench measures of one peer. Ratios are ours ÷ the peer's: speed above 1 is faster, memory below 1 is smaller. */
export interface Row {
  readonly peer: string;
  readonly ratio: number;
  readonly memoryRatio?: number;
  readonly [measure: string]: string | number | undefined;
}

export interface BenchResult {
  readonly rows: Row[];
  /** Peers that this machine does not have. */
  readonly absent: { readonly peer: string; readonly reason: string }[];
  readonly notes: readonly string[];
}

export interface BenchOptions {
  /** How often each peer gets its turn. */
  readonly rounds: number;
  say(line: string): void;
}

export type Bench = (options: BenchOptions) => Promise<BenchResult>;

/** The middle value; the mean of both middle values of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
