#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from './commands/program';

const { version } = JSON.parse(
  readFileSync(path.join(path.dirname(process.argv[1] ?? '.'), '..', 'package.json'), 'utf8'),
) as { version: string };
const stop = new AbortController();
process.once('SIGINT', () => {
  process.stderr.write('\nStopping after this step; Ctrl-C again stops at once.\n');
  stop.abort();
  process.once('SIGINT', () => process.exit(130));
});
process.once('SIGTERM', () => stop.abort());

const context = {
  out: (line: string) => void process.stdout.write(`${line}\n`),
  note: (line: string) => void process.stderr.write(`${line}\n`),
  write: (text: string) => void process.stdout.write(text),
  signal: stop.signal,
  exitCode: 0,
};
void runCommand(process.argv.slice(2), context, version).then((code) => process.exit(code));
