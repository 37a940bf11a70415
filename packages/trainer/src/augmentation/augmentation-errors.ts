import { describeValue, tesseraeError } from '@tesserae/registry';
import { oneOf } from '../options';
import type { OptionRule } from '../options';
import type { TextExample } from './augmenter';

/** An example cannot be used. */
export const badExample = (speaker: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: speaker, code: 'E_EXAMPLE', message, fix });

/** The rules that several augmenters share. */
export const editRules = {
  rate: {
    expected: 'a number in (0, 1]',
    test: (value: unknown): boolean => typeof value === 'number' && value > 0 && value <= 1,
  },
  insideSpans: oneOf('keep', 'refuse'),
} satisfies Record<string, OptionRule>;

/** @throws E_EXAMPLE unless the example has a text, and spans that lie in it */
export function checkExample(speaker: string, example: unknown): asserts example is TextExample {
  const { text, spans } = (example ?? {}) as Partial<TextExample>;
  if (typeof text !== 'string')
    throw badExample(
      speaker,
      `the text of an example is ${describeValue(text)}`,
      'give { text: string, label?, spans? }',
    );
  if (spans === undefined) return;
  if (!Array.isArray(spans))
    throw badExample(speaker, `spans are ${describeValue(spans)}`, 'give a list of [start, end, label]');
  for (const span of spans as readonly unknown[]) {
    const [start, end, label] = (Array.isArray(span) ? span : []) as unknown[];
    const fits = Number.isInteger(start) && Number.isInteger(end) && (start as number) >= 0;
    if (fits && (start as number) < (end as number) && (end as number) <= text.length && typeof label === 'string')
      continue;
    throw badExample(
      speaker,
      `the span ${describeValue(span)} does not lie in a text of ${text.length} UTF-16 units`,
      'give [start, end, label] with 0 ≤ start < end ≤ text.length',
    );
  }
}
