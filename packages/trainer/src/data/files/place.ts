import type { Plain } from '../../checkpoints/format';
import { badState } from '../rows/row-errors';
import type { LinePlace } from './read-lines';

/** A place in a file of lines as a state holds it. @throws E_DATA_STATE */
export function linePlace(place: Plain | undefined): LinePlace {
  if (place === undefined) return { offset: 0, lines: 0 };
  const { offset, lines } = (place ?? {}) as Partial<LinePlace>;
  if (Number.isSafeInteger(offset) && offset! >= 0 && Number.isSafeInteger(lines) && lines! >= 0)
    return { offset: offset!, lines: lines! };
  throw badState('its place in a file is no { offset, lines }');
}

/** A number of rows as a state holds it. @throws E_DATA_STATE */
export function rowPlace(place: Plain | undefined): number {
  const { row } = (place ?? { row: 0 }) as { row?: unknown };
  if (Number.isSafeInteger(row) && (row as number) >= 0) return row as number;
  throw badState('its place in a file is no { row }');
}
