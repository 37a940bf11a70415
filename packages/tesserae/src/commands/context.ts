import type { SelectedBackend } from '@tesserae/core';

/** Where a command writes, and what stops it: the process, or a test. */
export interface CommandContext {
  /** Lines for the person or, with --json, for the program that called. */
  out(line: string): void;
  /** Lines beside the result: progress, warnings. */
  note(line: string): void;
  /** Writes without ending the line, as text streams in. */
  write(text: string): void;
  readonly signal: AbortSignal;
  /** Set to end the process with another code than 0. */
  exitCode: number;
}

/** The backend as --json shows it. */
export const backendFacts = ({ name, description, reason, tried, threads }: SelectedBackend): object => ({
  name,
  description,
  reason,
  threads,
  tried,
});
