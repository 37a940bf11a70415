import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNotebook, sourceOf, writeNotebook } from './notebook';
import type { Notebook, NotebookCell } from './notebook';
import { runNotebook } from './run-notebook';

const root = process.cwd();
const minutes = 60_000;
const files = readdirSync(path.join(root, 'notebooks')).filter((file) => file.endsWith('.ipynb'));
const built = existsSync(path.join(root, 'packages', 'tesserae', 'dist', 'index.d.ts'));

const code = (source: string, tags?: string[]): NotebookCell => ({
  cell_type: 'code',
  source,
  metadata: tags ? { tags } : {},
});
const notebookOf = (...cells: NotebookCell[]): Notebook => ({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
const run = (notebook: Notebook, timeoutSeconds = 60): ReturnType<typeof runNotebook> =>
  runNotebook(notebook, { folder: path.join(root, 'notebooks'), timeoutSeconds });

describe('the notebook runner', () => {
  it(
    'keeps what cells show: text in order, displays in their latest state, counts',
    async () => {
      const notebook = notebookOf(
        { cell_type: 'markdown', source: '# Title', metadata: {} },
        code(
          `import * as tslab from 'tslab';\nconst view = tslab.newDisplay();\nview.html('<b>1</b>');\nconsole.log('a\\nb');`,
        ),
        code(`view.html('<b>2</b>');`),
        code('  '),
      );
      expect(await run(notebook)).toBeUndefined();
      const [, first, second, empty] = notebook.cells;
      expect(first.outputs).toEqual([
        { output_type: 'display_data', data: { 'text/html': ['<b>2</b>'] }, metadata: {} },
        { output_type: 'stream', name: 'stdout', text: ['a\n', 'b\n'] },
      ]);
      expect([first, second, empty].map((cell) => cell.execution_count)).toEqual([1, 2, null]);
      expect(second.outputs).toEqual([]);
    },
    2 * minutes,
  );

  it(
    'stops at a cell that fails, and says which and why',
    async () => {
      const notebook = notebookOf(
        code('const one: number = 1;'),
        code(`throw new RangeError('out of apples');`),
        code('console.log(2);'),
      );
      const failure = await run(notebook);
      expect(failure).toMatchObject({ cell: 2, source: `throw new RangeError('out of apples');` });
      expect(failure?.message).toContain('RangeError: out of apples');
      expect(notebook.cells[1].outputs).toMatchObject([
        { output_type: 'error', ename: 'RangeError', evalue: 'out of apples' },
      ]);
      expect(notebook.cells[1].execution_count).toBe(2);
      expect(notebook.cells[2].outputs).toEqual([]);
    },
    2 * minutes,
  );

  it(
    'goes on after a failure that is expected, and reports types that do not fit',
    async () => {
      const expected = ['raises-exception'];
      const notebook = notebookOf(
        code(`throw new Error('meant');`, expected),
        code(`console.log('went on');`),
        code(`const n: number = 'text';`),
      );
      expect(await run(notebook)).toMatchObject({
        cell: 3,
        message: expect.stringContaining(`'string' is not assignable`),
      });
      expect(notebook.cells[0].outputs).toMatchObject([{ output_type: 'error', evalue: 'meant' }]);
      expect(notebook.cells[1].outputs).toMatchObject([{ text: ['went on\n'] }]);
    },
    2 * minutes,
  );

  it(
    'fails a cell that should have failed and did not',
    async () => {
      expect(await run(notebookOf(code('const fine: boolean = true;', ['raises-exception'])))).toMatchObject({
        cell: 1,
        message: expect.stringContaining('nothing failed'),
      });
    },
    2 * minutes,
  );

  it(
    'ends a cell that takes too long, and a kernel that dies',
    async () => {
      expect(await run(notebookOf(code('await new Promise(() => setTimeout(() => {}, 1e6));')), 2)).toMatchObject({
        cell: 1,
        message: expect.stringContaining('no answer within 2 s'),
      });
      expect(await run(notebookOf(code('process.exit(3);')))).toMatchObject({
        cell: 1,
        message: expect.stringContaining('the kernel died (exit code 3)'),
      });
    },
    2 * minutes,
  );

  it('writes a notebook as Jupyter does, and refuses what is none', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'notebook-'));
    const file = path.join(folder, 'new', 'one.ipynb');
    writeNotebook(file, notebookOf(code('1;')));
    expect(readNotebook(file).cells.map(sourceOf)).toEqual(['1;']);
    writeNotebook(file, { ...notebookOf(), nbformat: 3 });
    expect(() => readNotebook(file)).toThrow('no notebook of format 4');
    rmSync(folder, { recursive: true });
  });
});

describe('the notebooks', () => {
  beforeAll(() => {
    if (!built) throw new Error('notebooks import the built packages; run npm run build first');
  });

  it.each(files)(
    '%s runs to its end',
    async (file) => {
      const notebook = readNotebook(path.join(root, 'notebooks', file));
      const failure = await run(notebook, 15 * 60);
      writeNotebook(path.join(root, 'out', 'notebooks', file), notebook);
      expect(failure && `cell ${failure.cell}: ${failure.message}\n\n${failure.source}`).toBeUndefined();
    },
    20 * minutes,
  );

  it.each(files)('%s is committed with its outputs, in order, without errors', (file) => {
    const cells = readNotebook(path.join(root, 'notebooks', file)).cells.filter(
      ({ cell_type }) => cell_type === 'code',
    );
    expect(cells.map((cell) => cell.execution_count)).toEqual(cells.map((_, i) => i + 1));
    const outputs = cells.flatMap((cell) => cell.outputs ?? []);
    expect(outputs.length).toBeGreaterThan(0);
    expect(outputs.filter(({ output_type }) => output_type === 'error')).toEqual([]);
  });
});
