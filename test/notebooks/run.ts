/** `npm run notebooks -- [FILE …] [--inplace] [--out FOLDER] [--timeout SECONDS]`: runs notebooks; all of notebooks/ by default. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readNotebook, writeNotebook } from './notebook';
import { runNotebook } from './run-notebook';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      inplace: { type: 'boolean', default: false },
      out: { type: 'string', default: path.join('out', 'notebooks') },
      timeout: { type: 'string', default: '300' },
    },
  });
  const timeoutSeconds = Number(values.timeout);
  if (!(timeoutSeconds > 0)) throw new Error(`--timeout must be a number of seconds, found ${values.timeout}`);
  const all = readdirSync('notebooks')
    .filter((file) => file.endsWith('.ipynb'))
    .map((file) => path.join('notebooks', file));
  for (const file of positionals.length > 0 ? positionals : all) {
    const target = values.inplace ? file : path.join(values.out, path.basename(file));
    if (!(await run(file, target, timeoutSeconds))) process.exitCode = 1;
  }
}

/** Runs one notebook, writes what came of it (also when it failed), and says so. @returns whether it went well */
async function run(file: string, target: string, timeoutSeconds: number): Promise<boolean> {
  const notebook = readNotebook(file);
  const start = performance.now();
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
  const failure = await runNotebook(notebook, {
    folder: path.dirname(path.resolve(file)),
    timeoutSeconds,
    onCell: (cell, milliseconds) => console.log(`  cell ${cell}: ${seconds(milliseconds)}`),
  });
  writeNotebook(target, notebook);
  if (failure)
    console.error(`✗ ${file}, cell ${failure.cell}:\n\n${indent(failure.source)}\n\n${indent(failure.message)}\n`);
  else console.log(`✓ ${file} in ${seconds(performance.now() - start)} → ${target}`);
  return failure === undefined;
}

const indent = (text: string): string => text.replace(/^/gm, '    ');

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
