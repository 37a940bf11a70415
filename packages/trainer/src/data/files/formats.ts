/** The kinds of files that rows can be read from. */
export type RowFormat = 'jsonl' | 'json' | 'csv' | 'tsv' | 'parquet' | 'text';

const extensions: Readonly<Record<string, RowFormat>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  csv: 'csv',
  tsv: 'tsv',
  parquet: 'parquet',
  txt: 'text',
  text: 'text',
  md: 'text',
};

/** What a file's name says it holds; undefined where it says nothing. */
export function formatOf(file: string): RowFormat | undefined {
  const extension = /\.([a-z0-9]+)$/.exec(file.toLowerCase().replace(/\.gz$/, ''))?.[1] ?? '';
  return Object.hasOwn(extensions, extension) ? extensions[extension] : undefined;
}
