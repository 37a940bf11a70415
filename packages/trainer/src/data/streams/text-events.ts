import { describeValue, tesseraeError } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';
import type { Plain } from '../../checkpoints/format';
import { emptyText } from '../data-errors';
import { cutRows } from '../batch-sampler';
import { badState } from '../rows/row-errors';
import type { RowCore } from '../rows/row-core';
import { originOf } from '../rows/row-origins';
import { SNAPSHOT_EVERY } from './batch-events';
import type { BatchEvents } from './batch-events';
import { endlessRows } from './endless-rows';

/** How texts become windows of ids. */
export interface TextWindows {
  readonly tokenizer: Pick<Tokenizer, 'encode'>;
  /** The column of the text. */
  readonly column: string;
  /** Stands after every text that does not end with it; none when absent. */
  readonly endId: number | undefined;
  /** Rows of a batch, B. */
  readonly rows: number;
  /** Tokens of a row, T. */
  readonly contextLength: number;
}

/** The ids of the text of a row, with the end. @throws E_ROW_TEXT when the column holds no text */
export function textIds(
  row: unknown,
  { tokenizer, column, endId }: Omit<TextWindows, 'rows' | 'contextLength'>,
): Int32Array {
  const text: unknown = typeof row === 'string' ? row : (row as Readonly<Record<string, unknown>> | null)?.[column];
  if (typeof text !== 'string') {
    const where = originOf(row) ?? 'a row';
    throw tesseraeError({
      package: 'trainer',
      code: 'E_ROW_TEXT',
      message: `the column '${column}' of ${where} holds ${describeValue(text)}, not a text`,
      fix: `name the column of the text, or map the rows to { text }`,
      details: { column, where },
    });
  }
  const ids = tokenizer.encode(text);
  if (endId === undefined || ids.length === 0 || ids[ids.length - 1] === endId) return ids;
  const ended = new Int32Array(ids.length + 1);
  ended.set(ids);
  ended[ids.length] = endId;
  return ended;
}

/** Ids that wait to be cut. */
interface Waiting {
  ids: Int32Array;
  count: number;
}

function push(waiting: Waiting, ids: Int32Array): void {
  if (waiting.count + ids.length > waiting.ids.length) {
    const larger = new Int32Array(2 * (waiting.count + ids.length));
    larger.set(waiting.ids.subarray(0, waiting.count));
    waiting.ids = larger;
  }
  waiting.ids.set(ids, waiting.count);
  waiting.count += ids.length;
}

/**
 * Texts one after the other, cut into windows for the prediction of the next token: row r of a batch holds the ids from r·T
 * on, and as labels those one place later.
 */
export const textEvents = (source: RowCore<unknown>, windows: TextWindows): BatchEvents =>
  async function* (snapshot) {
    const { rows: B, contextLength: T } = windows;
    const from = snapshot === undefined ? undefined : checkSnapshot(snapshot, B * T);
    const texts = endlessRows(source, from?.texts);
    const waiting: Waiting = { ids: new Int32Array(2 * B * T), count: 0 };
    push(waiting, Int32Array.from(from?.waiting ?? []));
    const starts = Array.from({ length: B }, (_, row) => row * T);
    let since = SNAPSHOT_EVERY;
    let gained = texts.epoch; // the epoch of the last text with tokens
    try {
      for (;;) {
        if (since >= SNAPSHOT_EVERY) {
          yield { snapshot: { texts: texts.state(), waiting: Array.from(waiting.ids.subarray(0, waiting.count)) } };
          since = 0;
        }
        const ids = textIds(await texts.next(), windows);
        if (ids.length > 0) gained = texts.epoch;
        else if (texts.epoch > gained + 1) throw emptyText('the training data');
        push(waiting, ids);
        let at = 0;
        for (; waiting.count - at > B * T; at += B * T, since++)
          yield { batch: cutRows(waiting.ids.subarray(at, waiting.count), starts, T) };
        if (at === 0) continue;
        waiting.ids.copyWithin(0, at, waiting.count);
        waiting.count -= at;
      }
    } finally {
      await texts.close();
    }
  };

function checkSnapshot(snapshot: Plain, most: number): { texts: Plain; waiting: readonly number[] } {
  const { texts, waiting } = snapshot as { texts?: Plain; waiting?: readonly number[] };
  if (texts !== undefined && Array.isArray(waiting) && waiting.length <= most) return { texts, waiting };
  throw badState('it is no state of texts cut into windows of this size');
}
