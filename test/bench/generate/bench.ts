import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { startPeer } from '../peer/peer';
import type { Peer, PeerCommand } from '../peer/peer';
import { median } from '../bench';
import type { Bench, Row } from '../bench';
import { folder, installed, newTokens, promptTokens, shape, threads } from './setting';

const here = path.join(process.cwd(), 'test', 'bench', 'generate');
const tsx = path.join(process.cwd(), 'node_modules', 'tsx', 'dist', 'cli.mjs');
const script = (name: string, file: string, ...rest: string[]): PeerCommand => ({
  name,
  command: process.execPath,
  arguments: [tsx, path.join(here, file), ...rest],
});

const peers: readonly (PeerCommand & { readonly found: boolean })[] = [
  { ...script('llama.cpp, 1 thread', 'llamaCpp.ts', '1'), found: existsSync(installed('llama', 'node-llama-cpp')) },
  {
    ...script(`llama.cpp, ${threads} threads`, 'llamaCpp.ts', String(threads)),
    found: existsSync(installed('llama', 'node-llama-cpp')),
  },
  {
    ...script('transformers.js', 'transformersJs.ts'),
    found: existsSync(installed('transformers', '@huggingface/transformers')),
  },
];

/** Bytes that a step of decoding must read: every weight once, and the keys and values so far. */
const { hiddenSize: D, intermediateSize: F, numHiddenLayers: L, vocabSize: V } = shape;
const weightBytes = 4 * (V * D + L * (4 * D * D + 3 * D * F + 2 * D) + D);
const stepBytes = weightBytes + 4 * L * 2 * D * (promptTokens + newTokens / 2);

/** Bytes per second: of as many passes over the weights as a generation has steps, and of the best of them. */
interface Bandwidth {
  readonly sustained: number;
  readonly best: number;
}

/** What a C program reads in a second with as many threads; undefined without a C compiler. */
function buildBandwidth(): (() => Bandwidth) | undefined {
  const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (!compiler) return undefined;
  const program = path.join(folder, 'bandwidth');
  const vectors = process.arch === 'x64' ? ['-mavx2'] : [];
  execFileSync(compiler, ['-O3', ...vectors, path.join(here, 'bandwidth.c'), '-o', program, '-lpthread']);
  return () => {
    const printed = execFileSync(program, [String(weightBytes), String(newTokens)], { encoding: 'utf8' });
    const [sustained, best] = printed.split(' ').map(Number);
    return { sustained, best };
  };
}

interface Measured {
  readonly name: string;
  readonly peer: Peer;
  readonly prefill: number[];
  readonly decode: number[];
  ids: readonly number[];
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 400));

/** Starts every engine that is here; each warms up before it says that it is ready. */
async function start(
  say: (line: string) => void,
): Promise<{ running: Measured[]; absent: { peer: string; reason: string }[] }> {
  const absent: { peer: string; reason: string }[] = [];
  const running: Measured[] = [];
  for (const command of [{ ...script('tesserae', 'tesserae.ts'), found: true }, ...peers]) {
    if (!command.found) {
      absent.push({ peer: command.name, reason: 'it is not installed: npm run setup:bench-peers' });
      continue;
    }
    try {
      say(`starting ${command.name}`);
      const peer = await startPeer(command);
      running.push({ name: command.name, peer, prefill: [], decode: [], ids: [] });
    } catch (error) {
      absent.push({ peer: command.name, reason: (error as Error).message });
    }
  }
  return { running, absent };
}

/** How many tokens two engines give alike before they part. */
function agreement(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((id, i) => id !== other[i]);
  return at < 0 ? one.length : at;
}

/** Tokens per second of prompt and answer, ours and each peer's, the same weights, in turns. */
export const generateBench: Bench = async ({ rounds, say }) => {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(path.join(folder, 'model.gguf'))) {
    say('writing the weights in the forms that the peers read');
    execFileSync(process.execPath, [tsx, path.join(here, 'weights.ts')], { stdio: 'inherit' });
  }
  const bandwidth = buildBandwidth();
  const memory: Bandwidth[] = [];
  const { running, absent } = await start(say);
  for (let round = 0; round < rounds; round++) {
    if (bandwidth) memory.push(bandwidth());
    for (const one of running) {
      await pause();
      const { milliseconds, ids } = (await one.peer.run(1)) as { milliseconds: number[]; ids?: number[] };
      one.prefill.push((promptTokens / milliseconds[0]) * 1000);
      one.decode.push((newTokens / milliseconds[1]) * 1000);
      one.ids = ids ?? [];
    }
    say(`round ${round + 1} of ${rounds}`);
  }
  const peaks = new Map<Measured, number>();
  for (const one of running) peaks.set(one, await one.peer.end());
  const [us, ...others] = running;
  const row = (one: Measured): Row => ({
    peer: one.name,
    ratio: median(us.decode) / median(one.decode),
    prefillRatio: median(us.prefill) / median(one.prefill),
    memoryRatio: peaks.get(us)! / peaks.get(one)!,
    prefillTokensPerSecond: median(one.prefill),
    decodeTokensPerSecond: median(one.decode),
    peakMegabytes: peaks.get(one)! / 1e6,
    tokensAlike: agreement(us.ids, one.ids),
  });
  const notes = [`ratio is that of decoding. tesserae: ${JSON.stringify(row(us))}`];
  if (bandwidth) {
    const part = (bytesPerSecond: number): string => {
      const possible = bytesPerSecond / stepBytes;
      const percent = ((100 * median(us.decode)) / possible).toFixed(0);
      return `${(bytesPerSecond / 1e9).toFixed(1)} GB/s, that is ${possible.toFixed(1)} tokens/s, of which ours is ${percent} %`;
    };
    notes.push(
      `memory gives two threads ${part(median(memory.map(({ sustained }) => sustained)))}`,
      `in its best pass ${part(median(memory.map(({ best }) => best)))}`,
    );
  } else absent.push({ peer: 'memory bandwidth', reason: 'no C compiler' });
  return { rows: others.map(row), absent, notes };
};
