import path from 'node:path';
import { readRows } from '@tesserae/trainer';
import { readSpam, shuffled } from '../classified-texts';
import type { ClassifiedRow } from '../classified-texts';
import { dataFolder } from '../data-folder';
import type { TaskName } from './setting';

/** A task's texts: what is learned from, and what is tested with. */
export interface TaskData {
  readonly labels: number;
  readonly train: readonly ClassifiedRow[];
  readonly test: readonly ClassifiedRow[];
}

/** Questions to a bank in 77 intents, in the split of their authors: Casanueva et al. (2020). */
async function readBanking(): Promise<TaskData> {
  const read = async (name: string): Promise<{ text: string; category: string }[]> =>
    (await readRows(path.join(dataFolder(), 'classify', 'banking77', `${name}.csv`)).toArray()) as never;
  const [train, test] = [await read('train'), await read('test')];
  const names = [...new Set(train.map(({ category }) => category))].sort();
  const rows = (some: typeof train): ClassifiedRow[] =>
    some.map(({ text, category }) => ({ text, label: names.indexOf(category) }));
  return { labels: names.length, train: rows(train), test: rows(test) };
}

/** Text messages, spam or not; they have no split of their own, so a fifth that follows from the seed is the test. */
function splitSpam(seed: number): TaskData {
  const rows = shuffled(readSpam(), seed);
  const kept = Math.round(rows.length / 5);
  return { labels: 2, train: rows.slice(kept), test: rows.slice(0, kept) };
}

/** The texts of a task. */
export const readTask = (name: TaskName, seed: number): Promise<TaskData> =>
  name === 'banking77' ? readBanking() : Promise.resolve(splitSpam(seed));
