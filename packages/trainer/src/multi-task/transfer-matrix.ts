import { badHeads } from './task-head';

/** Trains on some tasks and scores each of them; the more the better. */
export type TrainAndScore = (tasks: readonly string[]) => Promise<Readonly<Record<string, number>>>;

/** What tasks do for each other. */
export interface TransferMatrix {
  readonly tasks: readonly string[];
  /** The score of each task that was trained alone. */
  readonly alone: readonly number[];
  /** [with, on]: how much better a task does (column) when another (row) is trained with it; 0 for itself. */
  readonly gains: readonly (readonly number[])[];
}

/**
 * Measures which tasks help which: trains every task alone and every pair of tasks together.
 *
 * gains[a][b] = score of b trained with a - score of b trained alone
 *
 * Needs K + K (K - 1) / 2 trainings; small models and few steps tell enough. Let every training give each of its tasks the
 * same number of steps and rows, so that what differs is the company alone.
 *
 * @param tasks their names
 * @param trainAndScore trains a model on some of them, and gives the score of each, such as from `evaluateTasks`
 * @returns the scores alone and the gains, for `heatmap` of `@tesserae/display`
 * @throws E_OPTION for fewer than two tasks, or a score that is missing
 *
 * Standley et al.: "Which Tasks Should Be Learned Together in Multi-task Learning?" (2020), section 3.
 *
 * @example
 * ```ts
 * import { transferMatrix } from '@tesserae/trainer';
 * // Two tasks that help each other by a tenth, and one that does not care.
 * const score = async (tasks: readonly string[]) =>
 *   Object.fromEntries(tasks.map((one) => [one, one !== 'c' && tasks.includes('a') && tasks.includes('b') ? 0.75 : 0.65]));
 * const { gains } = await transferMatrix(['a', 'b', 'c'], score);
 * console.log(gains.map((row) => row.map((gain) => gain.toFixed(1)).join(' ')).join(', ')); // → 0.0 0.1 0.0, 0.1 0.0 0.0, 0.0 0.0 0.0
 * ```
 */
export async function transferMatrix(tasks: readonly string[], trainAndScore: TrainAndScore): Promise<TransferMatrix> {
  if (!Array.isArray(tasks) || new Set(tasks).size < 2 || new Set(tasks).size !== tasks.length)
    throw badHeads(`tasks are ${JSON.stringify(tasks)}`, 'give the names of at least two different tasks');
  const scoresOf = async (some: readonly string[]): Promise<number[]> => {
    const found = await trainAndScore(some);
    return some.map((name) => {
      if (typeof found?.[name] === 'number') return found[name];
      throw badHeads(`training on ${some.join(' and ')} gave no score for ${name}`, 'give a number for each task');
    });
  };
  const alone: number[] = [];
  for (const name of tasks) alone.push(...(await scoresOf([name])));
  const gains = tasks.map(() => tasks.map(() => 0));
  for (let a = 0; a < tasks.length; a++)
    for (let b = a + 1; b < tasks.length; b++) {
      const [first, second] = await scoresOf([tasks[a], tasks[b]]);
      gains[a][b] = second - alone[b];
      gains[b][a] = first - alone[a];
    }
  return { tasks, alone, gains };
}
