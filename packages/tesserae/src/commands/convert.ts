import { countParameters, disposeModel, selectBackend } from '@tesserae/core';
import type { LlamaConfig, Model } from '@tesserae/core';
import { saveLlama2c, savePretrained } from '@tesserae/hub';
import type { WeightDtype } from '@tesserae/hub';
import type { Command } from 'commander';
import type { CommandContext } from './context';
import { loadModel, MODEL_WORDS } from './load-model';
import { whole } from './parse';

interface ConvertFlags {
  dtype?: WeightDtype;
  maxShardBytes?: number;
  tokenizer?: string;
  llama2cVersion: number;
  json?: boolean;
}

/** `tesserae convert`: a model from one form of file to another. */
export function addConvert(program: Command, context: CommandContext): void {
  program
    .command('convert')
    .description('write a model in another form: a Hugging Face folder, or a llama2.c checkpoint')
    .argument('<from>', MODEL_WORDS)
    .argument('<to>', 'a folder, or a file that ends in .bin for llama2.c')
    .option('--dtype <type>', 'float32, float16 or bfloat16; as it was when absent')
    .option('--max-shard-bytes <n>', 'weights in one file at most; more goes into shards', whole(1))
    .option('--tokenizer <file>', 'the tokenizer.bin of a llama2.c checkpoint')
    .option('--llama2c-version <n>', '0, which run.c reads, or 1', whole(0), 0)
    .option('--json', 'print one line of JSON')
    .action(async (from: string, to: string, flags: ConvertFlags) => {
      await selectBackend({ log: (line) => context.note(line) });
      const model = await loadModel(from, context, flags.tokenizer);
      try {
        const { dtype, maxShardBytes, llama2cVersion } = flags;
        if (to.endsWith('.bin')) {
          await saveLlama2c(model as unknown as Model<LlamaConfig>, to, { version: llama2cVersion as 0 | 1 });
        } else await savePretrained(model, to, { dtype, maxShardBytes });
        const facts = { architecture: model.architecture.name, parameters: countParameters(model), to };
        context.out(
          flags.json
            ? JSON.stringify(facts)
            : `${facts.architecture} with ${facts.parameters.toLocaleString('en')} parameters written to ${to}`,
        );
      } finally {
        disposeModel(model);
      }
    });
}
