import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { tesseraeError } from '@tesserae/registry';
import type { Plain } from '../../checkpoints/format';
import { checkOptions, rules } from '../../options';
import { contentHash } from '../files/content-hash';
import { hashOf } from './row-core';
import type { RowCore } from './row-core';
import { mix } from './mix';
import { readRows } from './read-rows';
import { asSource, isRowSource, rowSource } from './row-source';
import type { RowSource } from './row-source';

/** Options of {@link moduleRows}. */
export interface ModuleRowsOptions {
  /** The export that makes the source: `default`. */
  readonly name?: string;
  /** What it is called with: plain JSON. */
  readonly options?: Plain;
}

/**
 * A source that a module makes: the way to have functions of one's own run in a worker, which cannot be handed functions.
 *
 * The module exports a function from options to a source of rows (or a promise of one): what it maps and filters is its own
 * affair. It is JavaScript that Node can import. As a second argument the function gets `{ readRows, rowSource, mix }`, so
 * that a module need not find this package.
 *
 * @param module path of the module
 * @param options which export, and what it is called with
 * @returns the source; walking over it throws E_MODULE when the module cannot be loaded or makes no source
 * @throws E_OPTION and E_UNKNOWN_OPTION
 *
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs';
 * import { moduleRows } from '@tesserae/trainer';
 * writeFileSync('numbers.cjs', `
 *   exports.numbers = ({ count }, { rowSource }) => rowSource(Array.from({ length: count }, (_, i) => ({ text: String(i) })));
 * `);
 * const rows = moduleRows('numbers.cjs', { name: 'numbers', options: { count: 3 } });
 * console.log((await rows.toArray()).length); // → 3
 * ```
 */
export function moduleRows(module: string, options: ModuleRowsOptions = {}): RowSource<unknown> {
  checkOptions<ModuleRowsOptions>('moduleRows', options, {
    name: rules.string,
    options: { expected: 'plain JSON', test: isPlain },
  });
  if (typeof module !== 'string' || module === '')
    throw moduleError('E_OPTION', 'the first argument is no path of a module', 'give the path of a JavaScript file');
  const { name = 'default', options: given = null } = options;
  const file = path.resolve(module);
  let made: Promise<RowSource<unknown>> | undefined;
  let latest: RowSource<unknown> | undefined;
  const load = (): Promise<RowSource<unknown>> =>
    (made ??= make(file, name, given).then((source) => (latest = source)));
  const core: RowCore<unknown> = {
    get skipped() {
      return latest?.skipped ?? { count: 0, examples: [] };
    },
    description: { kind: 'module', module: file, name, options: given },
    fingerprint: async () =>
      hashOf('module', await contentHash(file), name, JSON.stringify(given), await (await load()).fingerprint()),
    open(start) {
      const state = start?.state ?? null;
      const opened = load().then((source) => source.open({ ...start, state: start?.state ?? undefined }));
      opened.catch(() => undefined); // thrown where a row is asked for
      let pass: Awaited<typeof opened> | undefined;
      return {
        next: async () => (pass ??= await opened).next(),
        state: () => pass?.state() ?? state,
        close: async () => (await opened.catch(() => undefined))?.close(),
      };
    },
  };
  return asSource(core);
}

async function make(file: string, name: string, options: Plain): Promise<RowSource<unknown>> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    throw moduleError(
      'E_MODULE',
      `${file} cannot be loaded (${(cause as Error).message})`,
      'give a JavaScript file',
      cause,
    );
  }
  const found = exported[name] ?? (exported.default as Record<string, unknown> | undefined)?.[name];
  if (typeof found !== 'function')
    throw moduleError(
      'E_MODULE',
      `${file} exports no function '${name}'`,
      'export a function that returns a source of rows',
    );
  const source: unknown = await (found as (options: Plain, tools: object) => unknown)(options, {
    readRows,
    rowSource,
    mix,
  });
  if (isRowSource(source)) return source;
  throw moduleError(
    'E_MODULE',
    `'${name}' of ${file} made no source of rows`,
    'return what readRows, rowSource or mix gives',
  );
}

const isPlain = (value: unknown): boolean => {
  try {
    return JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value);
  } catch {
    return false;
  }
};

const moduleError = (code: 'E_MODULE' | 'E_OPTION', message: string, fix: string, cause?: unknown): Error =>
  tesseraeError({ package: 'trainer', plugin: 'moduleRows', code, message, fix, cause });
