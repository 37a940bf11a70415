import { readReviews, readSpam, shuffled } from '../classified-texts';
import type { ClassifiedRow } from '../classified-texts';
import { setting } from './setting';

/** A task: what to learn from, and what to test on. */
export interface StudyTask {
  readonly learn: readonly ClassifiedRow[];
  readonly test: readonly ClassifiedRow[];
}

/** The four tasks of the study, two classes each: praise or not in three places, and spam. */
export function readTasks(seed: number): Record<string, StudyTask> {
  const { testedShare, tested, learned } = setting;
  const split = (rows: readonly ClassifiedRow[]): StudyTask => {
    const all = shuffled(rows, seed);
    const kept = Math.min(tested, Math.floor(rows.length * testedShare));
    return { test: all.slice(0, kept), learn: all.slice(kept, kept + learned) };
  };
  return {
    products: split(readReviews('amazon_cells')),
    films: split(readReviews('imdb')),
    restaurants: split(readReviews('yelp')),
    spam: split(readSpam()),
  };
}
