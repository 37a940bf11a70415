// What somebody else's module looks like: functions that make sources of rows.
import { rowSource } from '@tesserae/trainer';
import type { RowSource } from '@tesserae/trainer';

const texts = [{ text: 'the cat' }, { text: 'a dog' }];

/** Texts said several times. */
export const loud = ({ times }: { times: number }): RowSource<{ text: string }> =>
  rowSource(texts).map(({ text }) => ({ text: text.repeat(times) }));

/** No source. */
export const nothing = (): number => 7;
