import type { Encoding, Tokenizer } from '@tesserae/tokenizer';

/** A question about a text, and how many tokens a row may have. */
export interface QuestionWindows {
  readonly question: string;
  readonly context: string;
  /** Tokens of a row at most. */
  readonly longest: number;
  /** Tokens that the windows of a long text share: a third of a row. */
  readonly stride?: number | undefined;
}

/** Question and context as one row, or as several whose contexts overlap; none where the question leaves no room. */
export function questionWindows(
  tokenizer: Tokenizer,
  { question, context, longest, stride = Math.floor(longest / 3) }: QuestionWindows,
): readonly Encoding[] {
  const whole = tokenizer.encodeWithOffsets(question, { pair: context });
  if (whole.ids.length <= longest) return [whole];
  const room = longest - whole.sequenceIds.filter((id) => id !== 1).length; // for the context
  if (room < 2) return [];
  const shared = Math.min(stride, Math.floor(room / 2));
  const options = { pair: context, truncation: 'only_second', maxLength: longest, stride: shared } as const;
  const first = tokenizer.encodeWithOffsets(question, options);
  return [first, ...first.overflowing];
}

/** The places of a window that stand for a piece of the context. */
export const contextPlaces = ({ offsets, sequenceIds }: Encoding): number[] =>
  Array.from(offsets.keys()).filter((i) => sequenceIds[i] === 1 && offsets[i][1] > offsets[i][0]);
