import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { runCommand } from '../src/commands/program';
import { generateStories } from '../src/stories/generateStories';

/** What a command came to. */
export interface CommandOutcome {
  readonly code: number;
  readonly out: string;
  readonly notes: string;
}

/** Runs the command line in this process; a note can stop it as Ctrl-C does. */
export async function command(
  words: readonly string[],
  stop: { after?: (line: string) => boolean } = {},
): Promise<CommandOutcome> {
  let out = '';
  let notes = '';
  const controller = new AbortController();
  const note = (line: string): void => {
    notes += `${line}\n`;
    if (stop.after?.(line)) controller.abort();
  };
  const context = {
    out: (line: string) => void (out += `${line}\n`),
    note,
    write: (piece: string) => void (out += piece),
    signal: controller.signal,
    exitCode: 0,
  };
  const code = await runCommand([...words], context, '1.2.3');
  return { code, out, notes };
}

/** `train` with the smallest model that learns. */
export const small = [
  ...['--layers', '1', '--heads', '2', '--width', '16', '--context', '16', '--batch', '4'],
  ...['--vocab', '270', '--warmup', '2', '--evaluate-every', '5'],
];

/** Runs of `train` in a folder of a test file. */
export interface StoryRuns {
  /** A place in the folder, in which `stories.txt` stands. */
  place(...parts: string[]): string;
  /** The words of `train` on the stories with the smallest model, which writes to the place of a name. */
  words(name: string, steps: number, ...more: string[]): string[];
}

/** Makes the folder before the tests of a file, and removes it after them. */
export function storyRuns(): StoryRuns {
  let folder: string;
  const place = (...parts: string[]): string => path.join(folder, ...parts);
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tesserae-train-'));
    writeFileSync(place('stories.txt'), generateStories({ count: 100, seed: 1 }).join('\n'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    place,
    words: (name, steps, ...more) => [
      ...['train', '--text', place('stories.txt'), '--output', place(name), '--steps', String(steps), '--json'],
      ...small,
      ...more,
    ],
  };
}
