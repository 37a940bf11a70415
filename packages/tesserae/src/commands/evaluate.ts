import { disposeModel, releaseGenerationPrograms, selectBackend } from '@tesserae/core';
import type { BackendName } from '@tesserae/core';
import { table } from '@tesserae/display';
import {
  answerExtraction,
  classification,
  evaluate,
  maskedPrediction,
  multipleChoice,
  perplexity,
  readTextFile,
  retrieval,
  textGeneration,
  tokenClassification,
} from '@tesserae/trainer';
import type { EvaluationResult, EvaluationTask, TextMetricName } from '@tesserae/trainer';
import type { Command } from 'commander';
import { problem } from '../problem';
import type { CommandContext } from './context';
import { loadModel, MODEL_WORDS } from './load-model';
import { whole } from './parse';

interface EvaluateFlags {
  task: string;
  data: string;
  batch: number;
  context?: number;
  stride?: number;
  tokens: number;
  metrics?: string[];
  labels?: string[];
  k: number;
  samples?: boolean;
  backend?: string;
  json?: boolean;
}

/** Makes a task out of a file and the flags. The rows of the file are checked by the task itself. */
type MakeTask = (data: string, flags: EvaluateFlags) => EvaluationTask;

const tasks: Readonly<Record<string, MakeTask>> = {
  perplexity: (text, { context: contextLength, stride }) => perplexity({ data: text, contextLength, stride }),
  'multiple-choice': (text) => multipleChoice({ data: rowsOf(text) }),
  'masked-prediction': (text) => maskedPrediction({ data: rowsOf(text) }),
  'text-generation': (text, { metrics, tokens }) =>
    textGeneration({
      data: rowsOf(text),
      ...(metrics && { metrics: metrics as TextMetricName[] }),
      generation: { maxNewTokens: tokens },
    }),
  classification: (text, { labels }) => classification({ data: rowsOf(text), labels }),
  'token-classification': (text, { labels }) => tokenClassification({ data: rowsOf(text), labels: labels ?? [] }),
  'answer-extraction': (text) => answerExtraction({ data: rowsOf(text) }),
  retrieval: (text, { k }) => {
    const [{ queries, documents }] = rowsOf<{ queries: never; documents: never }>(text);
    return retrieval({ queries, documents, k });
  },
};

/** `tesserae evaluate`: a model folder on a task. */
export function addEvaluate(program: Command, context: CommandContext): void {
  program
    .command('evaluate')
    .description('score a model on a task, with standard errors')
    .argument('<model>', MODEL_WORDS)
    .requiredOption('--data <file>', 'a text for perplexity; for other tasks JSON lines, one row of the task each')
    .option('--task <name>', Object.keys(tasks).join(', '), 'perplexity')
    .option('--batch <n>', 'rows that go through the model at a time', whole(1), 8)
    .option('--context <n>', 'perplexity: tokens of a window', whole(2))
    .option('--stride <n>', 'perplexity: tokens from one window to the next', whole(1))
    .option('--tokens <n>', 'text-generation: new tokens at most', whole(1), 64)
    .option('--metrics <name...>', 'text-generation: exactMatch, tokenF1, bleu, chrf, rougeL, …')
    .option('--labels <name...>', 'classification: names of the classes, in the order of the outputs')
    .option('--k <n>', 'retrieval: how far down the ranking one looks', whole(1), 10)
    .option('--samples', 'with --json: every sample too')
    .option('--backend <name>', 'tfjs-node-gpu, onnx, tfjs-node, wasm or cpu')
    .option('--json', 'print one line of JSON')
    .action(async (source: string, flags: EvaluateFlags) => run(source, flags, context));
}

async function run(source: string, flags: EvaluateFlags, context: CommandContext): Promise<void> {
  if (!Object.hasOwn(tasks, flags.task))
    throw problem('E_OPTION', `there is no task '${flags.task}'`, `use one of ${Object.keys(tasks).join(', ')}`);
  const task = tasks[flags.task](await readTextFile(flags.data), flags);
  await selectBackend({
    log: (line) => context.note(line),
    ...(flags.backend && { prefer: flags.backend as BackendName }),
  });
  const model = await loadModel(source, context);
  try {
    const { batch: batchSize, samples, json } = flags;
    const { signal } = context;
    const result = await evaluate(model, task, { batchSize, samples: samples === true, signal, progress: !json });
    context.out(json ? JSON.stringify(result) : asTable(result));
  } finally {
    releaseGenerationPrograms();
    disposeModel(model);
  }
}

function asTable({ metrics, counts, seconds }: EvaluationResult): string {
  const rows = Object.entries(metrics).map(([metric, { value, standardError }]) => ({
    metric,
    value: Number(value.toPrecision(5)).toString(),
    '±': standardError === undefined ? '' : Number(standardError.toPrecision(2)).toString(),
  }));
  const seen = Object.entries(counts).map(([name, count]) => `${count.toLocaleString('en')} ${name}`);
  return `${table(rows).text}\n${seen.join(', ')} in ${seconds.toFixed(1)} s; ± is the bootstrap standard error.`;
}

/** The rows of a file: JSON lines, or one list. */
function rowsOf<T>(text: string): T[] {
  if (text.trimStart().startsWith('[')) return parse(text, 'the file') as T[];
  const lines = text.split('\n');
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [parse(line, `line ${i + 1}`) as T]));
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw problem(
      'E_DATA_FILE',
      `${place} of the data is not JSON: ${(cause as Error).message}`,
      'write one JSON row a line',
    );
  }
}
