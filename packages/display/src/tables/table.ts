import CliTable from 'cli-table3';
import { describeValue } from '@tesserae/registry';
import { checkOptions, checkString, displayError } from '../errors/display-error';
import { formatNumber } from '../format/numbers';
import { escapeHtml } from '../html/escape';

/** What a cell can hold. */
export type Cell = string | number | boolean | null | undefined;

/** A column of a table. */
export interface Column {
  /** The property of the rows that it shows. */
  key: string;
  /** Its heading. Default: the key. */
  title?: string;
  /** Default: right for numbers, left for the rest. */
  align?: 'left' | 'right' | 'center';
  /** How values are written. Default: numbers as `formatNumber` does, nothing for `null` and `undefined`. */
  format?: (value: Cell, row: Readonly<Record<string, Cell>>) => string;
}

/** How a table looks. */
export interface TableOptions {
  /** The columns, as keys or in full. Default: the keys of all rows, in the order in which they appear. */
  columns?: readonly (string | Column)[];
  /** A line above it. */
  title?: string;
}

/** A finished table. */
export interface Table {
  /** For terminals and logs. */
  readonly text: string;
  /** For notebooks and pages. */
  readonly html: string;
  /** The text. */
  toString(): string;
}

interface Grid {
  columns: Required<Pick<Column, 'title' | 'align'>>[];
  cells: string[][];
}

/**
 * Makes a table of rows, as text and as HTML.
 *
 * @param rows the rows: name → value
 * @param options `columns` and `title`
 * @returns the table; `show` shows it, and as a string it is its text
 * @throws E_TABLE when rows or columns are malformed; E_OPTION for an unknown option
 *
 * @example
 * ```ts
 * import { table } from '@tesserae/display';
 *
 * const { text } = table([{ name: 'gpt2', parameters: 124_439_808 }]);
 * console.log(text.includes('124,439,808')); // → true
 * ```
 */
export function table(rows: readonly Readonly<Record<string, Cell>>[], options: TableOptions = {}): Table {
  checkOptions('table', options, ['columns', 'title']);
  checkString('table', 'title', options.title);
  const grid = layOut(rows, options.columns);
  const text = tableText(grid, options.title);
  return { text, html: tableHtml(grid, options.title), toString: () => text };
}

function layOut(rows: unknown, wanted: TableOptions['columns']): Grid {
  if (!Array.isArray(rows) || rows.some((row) => typeof row !== 'object' || row === null || Array.isArray(row)))
    throw displayError('E_TABLE', `rows of table is ${describeValue(rows)}`, 'pass a list of objects: name → value');
  const list = rows as Record<string, Cell>[];
  const columns = (wanted ?? [...new Set(list.flatMap((row) => Object.keys(row)))]).map((column) => {
    const full: Column = typeof column === 'string' ? { key: column } : column;
    if (typeof full?.key !== 'string')
      throw displayError(
        'E_TABLE',
        `a column of table is ${describeValue(column)}`,
        "pass a key or { key: 'loss', title: 'Loss' }",
      );
    return full;
  });
  const value = (row: Record<string, Cell>, key: string): Cell => (Object.hasOwn(row, key) ? row[key] : undefined);
  return {
    columns: columns.map(({ key, title = key, align }) => {
      const filled = list.map((row) => value(row, key)).filter((cell) => cell !== null && cell !== undefined);
      const numbers = filled.length > 0 && filled.every((cell) => typeof cell === 'number');
      return { title, align: align ?? (numbers ? 'right' : 'left') };
    }),
    cells: list.map((row) =>
      columns.map(({ key, format }) => {
        const cell = value(row, key);
        return format ? String(format(cell, row)) : cellText(cell);
      }),
    ),
  };
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'number' ? formatNumber(cell) : String(cell);
}

/** Rules only under the heading: columns are told apart by their alignment. */
const CHARACTERS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'right']
    .concat('left-mid', 'right-mid', 'mid', 'mid-mid', 'middle')
    .map((name) => [name, '']),
);

function tableText({ columns, cells }: Grid, title: string | undefined): string {
  if (columns.length === 0) return title ?? '';
  const printable = (text: string): string => text.replace(/[\0-\x09\x0b-\x1f\x7f\x9b]/g, '\ufffd'); // no terminal commands
  const drawn = new CliTable({
    chars: { ...CHARACTERS, middle: '  ' },
    colAligns: columns.map((column) => column.align),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  const widths = columns.map((column, i) => Math.max(...[column.title, ...cells.map((row) => row[i])].map(textWidth)));
  drawn.push(columns.map((column) => printable(column.title)));
  drawn.push(widths.map((width) => '─'.repeat(width)));
  for (const row of cells) drawn.push(row.map(printable));
  const lines = drawn.toString().split('\n').map((line) => line.trimEnd()); // prettier-ignore
  return [...(title === undefined ? [] : [printable(title), '']), ...lines].join('\n');
}

function textWidth(text: string): number {
  return Math.max(...text.split('\n').map((line) => [...line].length), 1);
}

function tableHtml({ columns, cells }: Grid, title: string | undefined): string {
  const cell = (name: 'td' | 'th', text: string, align: string): string =>
    `<${name} style="text-align:${align};padding:4px 14px 4px 0;` +
    `${name === 'th' ? 'font-weight:600;border-bottom:1px solid rgba(128,128,128,.45)' : 'border-bottom:1px solid rgba(128,128,128,.16)'};` +
    `vertical-align:top;font-variant-numeric:tabular-nums">${escapeHtml(text).replace(/\n/g, '<br>')}</${name}>`;
  const line = (name: 'td' | 'th', texts: readonly string[]): string =>
    `<tr style="background:none">${texts.map((text, i) => cell(name, text, columns[i].align)).join('')}</tr>`;
  const caption =
    title === undefined
      ? ''
      : `<caption style="text-align:left;font-weight:600;padding:0 0 6px">${escapeHtml(title)}</caption>`;
  return (
    `<table style="border-collapse:collapse;font-size:13px;line-height:1.45">${caption}<thead>` +
    line(
      'th',
      columns.map((column) => column.title),
    ) + // prettier-ignore
    `</thead><tbody>${cells.map((row) => line('td', row)).join('')}</tbody></table>`
  );
}
