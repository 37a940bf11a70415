/** llama.cpp's side of the bench, through node-llama-cpp. Its first argument is the number of threads. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { folder, installed, newTokens, prompt, promptTokens } from './setting';
import { takeTurns } from './turns';

interface Sequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
  evaluate(tokens: number[], options: object): AsyncIterable<number>;
}
interface LlamaCpp {
  LlamaLogLevel: { error: unknown };
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      createContext(options: object): Promise<{ getSequence(): Sequence }>;
    }>;
  }>;
}

async function main(): Promise<void> {
  const threads = Number(process.argv[2]);
  process.env.NODE_LLAMA_CPP_SKIP_DOWNLOAD = 'true';
  const entry = path.join(installed('llama', 'node-llama-cpp'), 'dist', 'index.js');
  const { getLlama, LlamaLogLevel } = (await import(pathToFileURL(entry).href)) as LlamaCpp;
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  });
  const model = await llama.loadModel({ modelPath: path.join(folder, 'model.gguf') });
  const context = await model.createContext({
    contextSize: promptTokens + newTokens + 16,
    batchSize: promptTokens,
    sequences: 1,
    threads: { ideal: threads, min: threads },
  });
  const sequence = context.getSequence();
  await takeTurns(async () => {
    await sequence.clearHistory();
    const tokens = prompt();
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(0, -1));
    const ids: number[] = [];
    let first = start;
    for await (const id of sequence.evaluate(tokens.slice(-1), { temperature: 0, yieldEogToken: true })) {
      if (ids.push(id) === 1) first = performance.now();
      if (ids.length > newTokens) break;
    }
    return { prefillMilliseconds: first - start, decodeMilliseconds: performance.now() - first, ids };
  });
}

void main();
