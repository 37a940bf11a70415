/** A bound that a figure must keep. */
export type Wanted = { readonly atMost: number } | { readonly atLeast: number };

/** What a study found. */
export interface StudyResult {
  readonly figures: Readonly<Record<string, number>>;
  /** Bounds of some of the figures, by name. */
  readonly wanted: Readonly<Record<string, Wanted>>;
  /** What this machine does not have, so that the figures that need it are missing. */
  readonly absent: readonly { readonly what: string; readonly reason: string }[];
  /** Files that were written. */
  readonly files: readonly string[];
}

export interface StudyOptions {
  /** A folder for charts and other files, which exists. */
  readonly folder: string;
  /** Another seed than the study's own, to see how much hangs on it. */
  readonly seed?: number | undefined;
  /** Only this part of a study that has parts. */
  readonly part?: string | undefined;
  say(line: string): void;
}

/** A seeded experiment: same figures every time, as far as the machine's arithmetic is the same. */
export interface Study {
  (options: StudyOptions): Promise<StudyResult>;
  /** Parts that can be asked for alone, for instance because some of them want a quiet machine. */
  readonly parts?: readonly string[];
}

/** Whether a figure keeps its bound; a figure that could not be measured breaks none. */
export function keeps(figure: number | undefined, wanted: Wanted): boolean {
  if (figure === undefined) return true;
  return 'atMost' in wanted ? figure <= wanted.atMost : figure >= wanted.atLeast; // NaN keeps nothing
}

/** A bound as text. */
export const bound = (wanted: Wanted): string => ('atMost' in wanted ? `≤ ${wanted.atMost}` : `≥ ${wanted.atLeast}`);
