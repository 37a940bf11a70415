/** One comparison. */
export interface VerifyRow {
  /** What was compared: `outputs.logits`, `grads.transformer.wte.weight`, `generate.greedy.new_tokens`. */
  readonly what: string;
  /** The largest difference, at the place where it is largest beside its tolerance; for tokens how many differ. */
  readonly difference: number;
  readonly tolerance: number;
  readonly ok: boolean;
}

/** What came of verifying a folder. */
export interface VerifyReport {
  readonly folder: string;
  /** The fixture's name in golden.json. */
  readonly name: string;
  /** `gpt2`, `llama`. */
  readonly architecture: string;
  /** The TensorFlow.js backend that computed. */
  readonly backend: string;
  readonly rows: readonly VerifyRow[];
  /** What golden.json lists and this library cannot do yet. */
  readonly notDone: readonly string[];
  /** Every difference is within its tolerance, and under `strict` nothing was left out. */
  readonly ok: boolean;
}

/** How far a value may be from what is expected. */
export type Tolerance = (expected: number, largest: number) => number;

/** Tolerances as the fixtures' README states them. */
export const tolerances = {
  /** 1e-4, and 2e-4 where values exceed 15. */
  output: (expected) => (Math.abs(expected) > 15 ? 2e-4 : 1e-4),
  attention: () => 1e-5,
  loss: () => 2e-5,
  /** 1e-4, or 1e-4 of the tensor's largest value if that is bigger. */
  gradient: (_expected, largest) => 1e-4 * Math.max(1, largest),
  norm: (expected) => 1e-4 * Math.abs(expected) + 1e-5,
  training: () => 1e-3,
} satisfies Record<string, Tolerance>;

/** One row for two lists of numbers; `counts` says which positions take part. */
export function compare(
  what: string,
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  counts: (index: number) => boolean = () => true,
): VerifyRow {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) if (counts(i)) largest = Math.max(largest, Math.abs(expected[i]));
  let worst: VerifyRow = { what, difference: 0, tolerance: tolerance(largest, largest), ok: true };
  if (found.length !== expected.length) return { ...worst, difference: Infinity, ok: false };
  let share = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!counts(i) || found[i] === expected[i]) continue;
    const difference = Math.abs(found[i] - expected[i]);
    const allowed = tolerance(expected[i], largest);
    if (difference / allowed > share || Number.isNaN(difference)) {
      share = Number.isNaN(difference) ? Infinity : difference / allowed;
      worst = { what, difference, tolerance: allowed, ok: difference <= allowed };
    }
  }
  return worst;
}

/** One row for two numbers. */
export function compareNumber(what: string, found: number, expected: number, tolerance: Tolerance): VerifyRow {
  return compare(what, [found], [expected], tolerance);
}

/** One row for two lists of tokens, which must be the same. */
export function compareTokens(what: string, found: readonly number[][], expected: readonly number[][]): VerifyRow {
  let difference = Math.abs(found.length - expected.length);
  expected.forEach((row, i) => {
    const other = found[i] ?? [];
    for (let t = 0; t < Math.max(row.length, other.length); t++) if (row[t] !== other[t]) difference++;
  });
  return { what, difference, tolerance: 0, ok: difference === 0 };
}
