/** Where output goes: a tslab notebook, an interactive terminal, or neither (a file, a pipe, a CI log). */
export type Environment = 'notebook' | 'terminal' | 'plain';

/** One place in a notebook's output, which a later call overwrites. */
export interface NotebookDisplay {
  html(html: string): void;
}

/** What is used of tslab. */
export interface Notebook {
  /** A place in the output of its own. */
  newDisplay(): NotebookDisplay;
  /** Appends to the output of the cell. */
  readonly display: NotebookDisplay;
}

/** What is used of a stream such as `process.stderr`. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Where to write; everything left out is found by itself. Tests and embedding programs pass their own. */
export interface Output {
  /** Decides instead of detection. */
  environment?: Environment;
  /** The notebook. Default: tslab, when running in it. */
  notebook?: Notebook;
  /** The stream of terminal and plain output. Default: standard error for progress, standard output for the rest. */
  stream?: OutputStream;
  /** The time in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/** tslab gives its cells `require` in this global; nothing is loaded when it is absent. */
interface TslabGlobal {
  __tslab__?: { require?: (name: string) => unknown };
}

/** tslab's display functions, when running in it. */
export function findNotebook(): Notebook | undefined {
  const { __tslab__: tslab } = globalThis as TslabGlobal;
  if (typeof tslab?.require !== 'function') return undefined;
  try {
    const found = tslab.require('tslab') as Partial<Notebook>;
    return typeof found.newDisplay === 'function' && found.display ? (found as Notebook) : undefined;
  } catch {
    return undefined;
  }
}

/** The notebook that an output means, if it means one. */
export function notebookOf(output: Output): Notebook | undefined {
  if (output.environment !== undefined && output.environment !== 'notebook') return undefined;
  return output.notebook ?? findNotebook();
}

/** A standard stream, or nothing where there is none (in a browser). */
export function standardStream(name: 'stdout' | 'stderr'): OutputStream | undefined {
  return typeof process === 'undefined' ? undefined : process[name];
}

/** Whether a stream is a terminal that can draw in place. */
function drawsInPlace(stream: OutputStream | undefined): boolean {
  const dumb = typeof process !== 'undefined' && process.env?.TERM === 'dumb';
  return stream?.isTTY === true && !dumb;
}

/**
 * Tells where output goes: `'notebook'` in tslab, `'terminal'` where a line can be redrawn, `'plain'` otherwise
 * (a file, a pipe, a CI log, `TERM=dumb`).
 *
 * @param output what to look at instead of tslab and standard error
 * @returns the environment
 *
 * @example
 * ```ts
 * import { environment } from '@tesserae/display';
 *
 * console.log(environment({ stream: { write: () => true, isTTY: false } })); // → plain
 * ```
 */
export function environment(output: Output = {}): Environment {
  if (output.environment !== undefined) return output.environment;
  if (notebookOf(output)) return 'notebook';
  return drawsInPlace(output.stream ?? standardStream('stderr')) ? 'terminal' : 'plain';
}

/** Writes, and never throws: a closed pipe must not end a training run. */
export function writeSafely(stream: OutputStream | undefined, text: string): void {
  try {
    stream?.write(text);
  } catch {
    // nobody is reading
  }
}
