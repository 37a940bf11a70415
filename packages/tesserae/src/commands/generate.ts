import { disposeModel, generate, releaseGenerationPrograms, selectBackend } from '@tesserae/core';
import type { BackendName } from '@tesserae/core';
import { loadPretrained } from '@tesserae/hub';
import type { Command } from 'commander';
import type { CommandContext } from './context';
import { real, whole } from './parse';

interface GenerateFlags {
  prompt: string;
  tokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  repetitionPenalty?: number;
  stop?: string[];
  seed: number;
  backend?: string;
  json?: boolean;
}

/** `tesserae generate`: text from a model folder, as it comes. */
export function addGenerate(program: Command, context: CommandContext): void {
  program
    .command('generate')
    .description('continue a text with a model from a Hugging Face folder')
    .argument('<folder>', 'config.json, model.safetensors, tokenizer.json')
    .option('--prompt <text>', 'what to continue', '\n')
    .option('--tokens <n>', 'new tokens', whole(1), 128)
    .option('--temperature <t>', '0 takes the most likely token each time', real(0), 0.8)
    .option('--top-k <k>', 'sample among the k most likely tokens', whole(1))
    .option('--top-p <p>', 'sample among the most likely tokens of this probability together', real(0))
    .option('--repetition-penalty <r>', 'above 1: what was said already becomes less likely', real(0))
    .option('--stop <text...>', 'end before any of these texts')
    .option('--seed <n>', 'same seed, same text', whole(0), 0)
    .option('--backend <name>', 'tfjs-node-gpu, onnx, tfjs-node, wasm or cpu')
    .option('--json', 'print one line of JSON at the end instead of text as it comes')
    .action(async (folder: string, flags: GenerateFlags) => run(folder, flags, context));
}

async function run(folder: string, flags: GenerateFlags, context: CommandContext): Promise<void> {
  await selectBackend({
    log: (line) => context.note(line),
    ...(flags.backend && { prefer: flags.backend as BackendName }),
  });
  const { prompt, tokens: maxNewTokens, temperature, topK, topP, repetitionPenalty, stop, seed } = flags;
  const model = await loadPretrained(folder);
  const ids: number[] = [];
  let text = '';
  const start = performance.now();
  try {
    if (!flags.json) context.write(prompt);
    for await (const token of generate(model, prompt, {
      maxNewTokens,
      temperature,
      topK,
      topP,
      repetitionPenalty,
      stop,
      seed,
      signal: context.signal,
    })) {
      ids.push(token.id);
      text += token.text;
      if (!flags.json) context.write(token.text);
    }
  } finally {
    releaseGenerationPrograms();
    disposeModel(model);
  }
  const tokensPerSecond = ids.length / ((performance.now() - start) / 1000);
  if (flags.json) context.out(JSON.stringify({ prompt, text, ids, tokensPerSecond }));
  else context.write('\n');
}
