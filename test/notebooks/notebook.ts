/** The notebook format (nbformat 4), as far as running one needs it. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Data by MIME type; text is kept as a list of lines, which makes differences readable. */
export type MimeBundle = Record<string, string | string[] | object>;

/** What a code cell showed. */
export type CellOutput =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: string | string[] }
  | { output_type: 'display_data'; data: MimeBundle; metadata: object }
  | { output_type: 'error'; ename: string; evalue: string; traceback: string[] };

export interface NotebookCell {
  id?: string;
  cell_type: 'code' | 'markdown' | 'raw';
  source: string | string[];
  metadata: { tags?: string[]; [name: string]: unknown };
  outputs?: CellOutput[];
  execution_count?: number | null;
}

export interface Notebook {
  cells: NotebookCell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** @throws Error when the file is no notebook of format 4 */
export function readNotebook(file: string): Notebook {
  const notebook = JSON.parse(readFileSync(file, 'utf8')) as Notebook;
  if (notebook.nbformat !== 4 || !Array.isArray(notebook.cells)) throw new Error(`${file} is no notebook of format 4`);
  return notebook;
}

/** Writes a notebook as Jupyter does: one space of indent, a line end at the end; whole or not at all. */
export function writeNotebook(file: string, notebook: Notebook): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(notebook, null, 1)}\n`);
  renameSync(`${file}.new`, file);
}

/** The source of a cell as one text. */
export const sourceOf = ({ source }: NotebookCell): string => (Array.isArray(source) ? source.join('') : source);

/** Text as a list of lines, each with its line end. */
export const linesOf = (text: string): string[] => text.split(/(?<=\n)/).filter((line) => line !== '');
