import { runCommand } from '../src/commands/program';

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
