import { problem } from '../problem';

/** How many exercises, and which. */
export interface ExerciseOptions {
  /** How many: 2,000. */
  readonly count?: number;
  /** Decides which: 0. */
  readonly seed?: number;
}

/** @throws E_OPTION when count or seed is not a whole number from 0 up, or there are not so many */
export function checkExercise({ count, seed }: Required<ExerciseOptions>, most: number): void {
  for (const [name, value, limit] of [
    ['count', count, most],
    ['seed', seed, Number.MAX_SAFE_INTEGER],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= 0 && value <= limit) continue;
    const range = limit === most ? `from 0 to ${most}` : 'from 0 up';
    throw problem('E_OPTION', `${name} must be a whole number ${range}, found ${String(value)}`, `give such a ${name}`);
  }
}
