import { chat, disposeModel, generate, releaseGenerationPrograms, selectBackend } from '@tesserae/core';
import type { BackendName, GeneratedToken, GenerateOptions, Model } from '@tesserae/core';
import type { Command } from 'commander';
import type { CommandContext } from './context';
import { loadModel, MODEL_WORDS } from './load-model';
import { real, whole } from './parse';

interface GenerateFlags {
  prompt: string;
  tokens?: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  typicalP?: number;
  repetitionPenalty?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  noRepeatNgram?: number;
  minTokens?: number;
  beams?: number;
  lengthPenalty?: number;
  earlyStopping?: boolean;
  sequences?: number;
  stop?: string[];
  seed: number;
  chat?: boolean;
  system?: string;
  logprobs?: number;
  backend?: string;
  json?: boolean;
  jsonLines?: boolean;
}

/** `tesserae generate`: text from a model folder, as it comes. */
export function addGenerate(program: Command, context: CommandContext): void {
  program
    .command('generate')
    .description('continue a text with a model from a Hugging Face folder, or answer it')
    .argument('<model>', MODEL_WORDS)
    .option('--prompt <text>', 'what to continue; of an encoder-decoder what to encode', '\n')
    .option('--chat', 'the prompt is a message, to be answered by the chat template of the folder')
    .option('--system <text>', 'with --chat: what the model is told before the message')
    .option('--tokens <n>', "new tokens at most (default: the folder's own, or 128)", whole(1))
    .option('--min-tokens <n>', 'new tokens at least', whole(0))
    .option('--temperature <t>', "0 takes the most likely token each time (default: the folder's own, or 0.8)", real(0))
    .option('--top-k <k>', 'sample among the k most likely tokens', whole(0))
    .option('--top-p <p>', 'sample among the most likely tokens of this probability together', real(0))
    .option('--min-p <p>', 'sample among tokens at least so many times as likely as the likeliest', real(0))
    .option('--typical-p <p>', 'sample among tokens of typical surprise, of this probability together', real(0))
    .option('--repetition-penalty <r>', 'above 1: what was said already becomes less likely', real(0))
    .option('--presence-penalty <r>', 'taken from the logits of new tokens that came up', real(-Infinity))
    .option('--frequency-penalty <r>', 'the same, as often as they came up', real(-Infinity))
    .option('--no-repeat-ngram <n>', 'no sequence of n tokens comes up twice', whole(0))
    .option('--beams <n>', 'follow the n most likely texts side by side', whole(1))
    .option('--length-penalty <p>', 'with --beams: above 0 favours long texts', real(-Infinity))
    .option('--early-stopping', 'with --beams: end as soon as n texts have ended')
    .option('--sequences <n>', 'so many continuations', whole(1))
    .option('--stop <text...>', 'end before any of these texts')
    .option('--seed <n>', 'same seed, same text', whole(0), 0)
    .option('--logprobs <n>', 'with JSON: log-probabilities of each token and of the n most likely', whole(0))
    .option('--backend <name>', 'tfjs-node-gpu, onnx, tfjs-node, wasm or cpu')
    .option('--json', 'print one line of JSON at the end instead of text as it comes')
    .option('--json-lines', 'print a line of JSON for each token as it comes, and that one at the end')
    .action((source: string, flags: GenerateFlags) => run(source, flags, context));
}

/** A folder that says nothing of sampling, and no search: stories are livelier at 0.8. */
function temperatureOf({ temperature, beams = 1 }: GenerateFlags, model: Model): number | undefined {
  if (temperature !== undefined || beams > 1 || model.generation || model.architecture.encode) return temperature;
  return 0.8;
}

const optionsOf = (flags: GenerateFlags, model: Model, signal: AbortSignal): GenerateOptions => ({
  maxNewTokens: flags.tokens,
  minNewTokens: flags.minTokens,
  temperature: temperatureOf(flags, model),
  topK: flags.topK,
  topP: flags.topP,
  minP: flags.minP,
  typicalP: flags.typicalP,
  repetitionPenalty: flags.repetitionPenalty,
  presencePenalty: flags.presencePenalty,
  frequencyPenalty: flags.frequencyPenalty,
  noRepeatNgramSize: flags.noRepeatNgram,
  numBeams: flags.beams,
  lengthPenalty: flags.lengthPenalty,
  earlyStopping: flags.earlyStopping,
  numReturnSequences: flags.sequences,
  stop: flags.stop,
  seed: flags.seed,
  logprobs: flags.logprobs,
  signal,
});

/** What came of one continuation. */
interface Said {
  text: string;
  ids: number[];
  score?: number;
  finished?: string;
}

/** Shows tokens: as text, where there is one continuation, or as lines of JSON. */
function show(
  { row, id, text, logprobs, finished }: GeneratedToken,
  flags: GenerateFlags,
  context: CommandContext,
): void {
  if (flags.jsonLines) context.out(JSON.stringify({ row, id, text, logprobs, finished }));
  else if (!flags.json && (flags.sequences ?? 1) === 1) context.write(text);
}

async function run(source: string, flags: GenerateFlags, context: CommandContext): Promise<void> {
  await selectBackend({
    log: (line) => context.note(line),
    ...(flags.backend && { prefer: flags.backend as BackendName }),
  });
  const { prompt } = flags;
  const model = await loadModel(source, context);
  const said: Said[] = [];
  const start = performance.now();
  try {
    const quiet =
      flags.json || flags.jsonLines || flags.chat || model.architecture.encode || (flags.sequences ?? 1) > 1;
    if (!quiet) context.write(prompt);
    const options = optionsOf(flags, model, context.signal);
    const system = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }];
    const messages = [...system, { role: 'user', content: prompt }];
    for await (const token of flags.chat ? chat(model, messages, options) : generate(model, prompt, options)) {
      const of = (said[token.row] ??= { text: '', ids: [] });
      of.text += token.text;
      of.ids.push(token.id);
      if (token.score !== undefined) of.score = token.score;
      if (token.finished) of.finished = token.finished;
      show(token, flags, context);
    }
  } finally {
    releaseGenerationPrograms();
    disposeModel(model);
  }
  const count = said.reduce((sum, { ids }) => sum + ids.length, 0);
  const tokensPerSecond = count / ((performance.now() - start) / 1000);
  const several = said.length > 1;
  if (flags.json || flags.jsonLines)
    context.out(JSON.stringify({ prompt, ...said[0], tokensPerSecond, ...(several && { sequences: said }) }));
  else if (several) for (const { text } of said) context.out(text.trim());
  else context.write('\n');
}
