import { badRows } from './objective-errors';

/** Where an answer stands in its text, in UTF-16 units as `String.slice` takes; the end is not included. */
export interface AnswerSpan {
  readonly start: number;
  readonly end: number;
}

/** An answer before it is checked. */
export interface Answer {
  readonly text: unknown;
  readonly start: unknown;
}

/**
 * The first of a row's answers; nothing where there is none. A start that does not fit is tried as a count of characters
 * beyond the basic plane too, as Python counts, which is how SQuAD was made.
 *
 * @throws E_OBJECTIVE_DATA when the answers are none, or the text does not say so there
 */
export function readAnswer(
  objective: string,
  context: string,
  answers: unknown,
  index: number,
): AnswerSpan | undefined {
  const list = answersIn(answers);
  if (list === undefined)
    throw badRows(objective, `row ${index} has no list of answers`, 'give answers: [{ text, start }], or [] for none');
  if (list.length === 0) return undefined;
  const { text, start } = list[0];
  if (typeof text !== 'string' || text === '' || !Number.isInteger(start))
    throw badRows(objective, `the answer of row ${index} has no text or no start`, 'give { text, start }');
  const counts = [start as number, unitsBefore(context, start as number)];
  const found = counts.find((at) => at >= 0 && context.startsWith(text, at));
  if (found !== undefined) return { start: found, end: found + text.length };
  const outside = (start as number) < 0 || (start as number) + text.length > context.length;
  throw badRows(
    objective,
    `the answer ${JSON.stringify(text.slice(0, 40))} of row ${index} does not stand at ${String(start)}${outside ? `, the context ends at ${context.length}` : ''}`,
    'give the place in the context where the answer starts',
  );
}

/** Answers in our form, or in one of SQuAD's, as they stand there; nothing where it is neither. */
export function answersIn(answers: unknown): Answer[] | undefined {
  if (Array.isArray(answers))
    return answers.map((one) => {
      const { text, start, answer_start: squad } = (one ?? {}) as Record<string, unknown>;
      return { text, start: start ?? squad };
    });
  const { text, answer_start: starts } = (answers ?? {}) as Record<string, unknown>;
  if (!Array.isArray(text) || !Array.isArray(starts) || text.length !== starts.length) return undefined;
  return text.map((one, i) => ({ text: one as unknown, start: starts[i] as unknown }));
}

/** UTF-16 units of the first `count` characters. */
function unitsBefore(text: string, count: number): number {
  let units = 0;
  for (let i = 0; i < count && units < text.length; i++) units += text.codePointAt(units)! > 0xffff ? 2 : 1;
  return units;
}
