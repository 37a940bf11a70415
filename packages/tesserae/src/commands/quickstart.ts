import type { Command } from 'commander';
import { quickstart } from '../quickstart/quickstart';
import type { CommandContext } from './context';
import { whole } from './parse';

/** `tesserae quickstart`: the first model, from nothing, with a report. */
export function addQuickstart(program: Command, context: CommandContext): void {
  program
    .command('quickstart')
    .description('train a small GPT from nothing, generate from it, and write a report')
    .option('--text <file>', 'a UTF-8 text to learn from; generated stories when absent')
    .option('--output <folder>', 'where the model and the report go', 'out/quickstart')
    .option('--steps <n>', 'updates', whole(1))
    .option('--seed <n>', 'decides stories, weights, order and samples', whole(0), 1)
    .option('--json', 'print one line of JSON at the end')
    .action(async (flags: { text?: string; output: string; steps?: number; seed: number; json?: boolean }) => {
      const result = await quickstart({
        folder: flags.output,
        seed: flags.seed,
        signal: context.signal,
        log: (line) => (flags.json ? context.note(line) : context.out(line)),
        ...(flags.text !== undefined && { textFile: flags.text }),
        ...(flags.steps !== undefined && { steps: flags.steps }),
      });
      if (flags.json) context.out(JSON.stringify(result));
    });
}
