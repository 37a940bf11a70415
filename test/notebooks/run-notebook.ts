import path from 'node:path';
import { startKernel } from './kernel';
import type { Kernel } from './kernel';
import { linesOf, sourceOf } from './notebook';
import type { CellOutput, Notebook, NotebookCell } from './notebook';
import { collectOutputs } from './outputs';
import type { Displays } from './outputs';

/** Cells with this tag must fail; the notebook goes on. */
const mayFail = 'raises-exception';

/** tslab drops whatever arrives within 200 ms of an error. */
const quietMilliseconds = 300;

const kernelspec = path.resolve(process.cwd(), '.jupyter', 'kernels', 'tslab');

export interface RunOptions {
  /** The folder in which the kernel runs: where relative paths and imports start. */
  readonly folder: string;
  /** Limit for each cell. */
  readonly timeoutSeconds: number;
  /** Told of each cell that ended. */
  readonly onCell?: (cell: number, milliseconds: number) => void;
}

/** Where a notebook stopped. */
export interface CellFailure {
  /** The cell's place among all cells, from 1, as a reader counts. */
  readonly cell: number;
  readonly source: string;
  readonly message: string;
}

/**
 * Runs the code cells of a notebook in a fresh kernel, one after the other, and fills in outputs and execution counts.
 *
 * It stops at the first cell that fails and is not tagged `raises-exception`, or is tagged and does not fail; the cells
 * after it are left without outputs.
 *
 * @returns the failure, or undefined when all went well
 */
export async function runNotebook(notebook: Notebook, options: RunOptions): Promise<CellFailure | undefined> {
  const displays: Displays = new Map();
  const code = notebook.cells
    .map((cell, i) => ({ cell, place: i + 1 }))
    .filter(({ cell }) => cell.cell_type === 'code');
  for (const { cell } of code) Object.assign(cell, { outputs: [], execution_count: null });
  let kernel: Kernel | undefined;
  try {
    kernel = await startKernel(kernelspec, options.folder);
    for (const { cell, place } of code) {
      if (sourceOf(cell).trim() === '') continue;
      const start = performance.now();
      const message = await runCell(kernel, cell, displays, options.timeoutSeconds);
      options.onCell?.(place, performance.now() - start);
      if (message !== undefined) return { cell: place, source: sourceOf(cell), message };
    }
    return undefined;
  } finally {
    await kernel?.close();
  }
}

/** Runs one cell. @returns what is wrong, if anything */
async function runCell(
  kernel: Kernel,
  cell: NotebookCell,
  displays: Displays,
  timeoutSeconds: number,
): Promise<string | undefined> {
  const { listener, stderr, finish } = collectOutputs(displays);
  const expected = cell.metadata.tags?.includes(mayFail) ?? false;
  let status = 'error';
  let problem: Error | undefined;
  try {
    const reply = await kernel.execute(sourceOf(cell), listener, timeoutSeconds * 1000);
    status = reply.status ?? 'error';
    cell.execution_count = reply.execution_count ?? null;
  } catch (error) {
    problem = error as Error;
  }
  cell.outputs = finish();
  if (status === 'ok') return expected ? `the cell is tagged ${mayFail}, but nothing failed` : undefined;
  const message = portable(problem?.message ?? (stderr().trim() || `the kernel answered '${status}'`));
  cell.outputs = [...cell.outputs.filter((output) => !isErrorText(output)), errorOutput(message)];
  if (!expected || problem) return plain(message);
  await new Promise((resolve) => setTimeout(resolve, quietMilliseconds));
  return undefined;
}

/** tslab writes errors to stderr and sends no error output; the text moves there. */
const isErrorText = (output: CellOutput): boolean => output.output_type === 'stream' && output.name === 'stderr';

function errorOutput(message: string): CellOutput {
  const line =
    linesOf(plain(message)).find((text) => /^(Uncaught )?(\w*Error|\S+:\d+:\d+)\b/.test(text)) ??
    linesOf(plain(message))[0];
  const [, name = 'Error', value = line] = /^(?:Uncaught )?(\w*Error)(?: \[\w+\])?: (.*)/s.exec(line) ?? [];
  return {
    output_type: 'error',
    ename: name,
    evalue: value.trim(),
    traceback: linesOf(message).map((text) => text.trimEnd()),
  };
}

/** Paths from the repository's folder on: a committed notebook names no machine. */
const portable = (text: string): string => text.replaceAll(`${process.cwd()}${path.sep}`, '');

/** Without the colours of a terminal. */
const plain = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '');
