import { defaultWidths } from '../data/streams/widths';
import type { ObjectiveSettings } from '../objectives/index';
import type { BucketingOptions } from './options';

/** Batches whose rows are sorted together, where nothing else is said: as many as transformers' LengthGroupedSampler takes. */
const GROUP_BATCHES = 50;

/** Widths and groups as objectives take them; nothing where rows are not grouped. */
export function bucketsOf(
  bucketing: boolean | BucketingOptions | undefined,
  longest: number,
): Pick<ObjectiveSettings, 'widths' | 'groupBatches'> {
  if (bucketing === undefined || bucketing === false) return {};
  const { widths, batches = GROUP_BATCHES } = bucketing === true ? {} : bucketing;
  const fitting = widths?.filter((width) => width < longest);
  return { widths: fitting === undefined ? defaultWidths(longest) : [...fitting, longest], groupBatches: batches };
}
