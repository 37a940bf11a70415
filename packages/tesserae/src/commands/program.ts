import { isTesseraeError } from '@tesserae/registry';
import { Command } from 'commander';
import type { CommanderError } from 'commander';
import type { CommandContext } from './context';
import { addConvert } from './convert';
import { addEvaluate } from './evaluate';
import { addGenerate } from './generate';
import { addInfo } from './info';
import { addQuickstart } from './quickstart';
import { addTrain } from './train';
import { addVerify } from './verify';

/** Exit codes: 0 done, 1 it failed, 2 the command was not understood, 130 stopped by Ctrl-C. */
const exitCodes = { failed: 1, usage: 2, stopped: 130 } as const;

/**
 * Runs the `tesserae` command.
 *
 * @param words the words after `tesserae`
 * @param context where it writes and what stops it
 * @param version what `--version` prints
 * @returns the exit code
 */
export async function runCommand(words: readonly string[], context: CommandContext, version: string): Promise<number> {
  const program = new Command('tesserae')
    .description('train, generate, evaluate, inspect and verify transformer language models')
    .version(version);
  program
    .exitOverride()
    .showHelpAfterError('(tesserae --help shows what there is)')
    .configureOutput({ writeOut: (text) => context.write(text), writeErr: (text) => context.note(text.trimEnd()) });
  for (const add of [addTrain, addGenerate, addEvaluate, addInfo, addConvert, addQuickstart, addVerify])
    add(program, context);
  for (const command of program.commands) command.exitOverride().configureOutput(program.configureOutput());
  try {
    await program.parseAsync(words.slice(), { from: 'user' });
    return context.exitCode;
  } catch (error) {
    const usage = error as CommanderError; // help and version end this way too, with code 0
    if (usage.code?.startsWith('commander.')) return usage.exitCode === 0 ? 0 : exitCodes.usage;
    if (context.signal.aborted) {
      context.note(isTesseraeError(error) ? error.message : 'stopped');
      return exitCodes.stopped;
    }
    context.note(isTesseraeError(error) ? error.message : String((error as Error).stack ?? error));
    return exitCodes.failed;
  }
}
