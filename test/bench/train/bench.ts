import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startPeer } from '../peer/peer';
import type { Peer, PeerCommand } from '../peer/peer';
import { median } from '../bench';
import type { Bench, Row } from '../bench';
import { shape, tokensPerStep } from './setting';

const here = path.join(process.cwd(), 'test', 'bench', 'train');
const tsx = path.join(process.cwd(), 'node_modules', 'tsx', 'dist', 'cli.mjs');
const ours = (name: string, backend: string): PeerCommand => ({
  name,
  command: process.execPath,
  arguments: [tsx, path.join(here, 'tesserae.ts'), backend],
});
const torch = (mode: string): PeerCommand => ({
  name: `pytorch-${mode}`,
  command: 'python3',
  arguments: [path.join(here, 'pytorch.py'), mode, JSON.stringify(shape)],
});

const peers: readonly PeerCommand[] = [
  torch('eager-float32'),
  torch('eager-bfloat16'),
  torch('compile-float32'),
  ours('tfjs-node', 'tfjs-node'),
  ours('tfjs-wasm', 'wasm'),
];

/**
 * Peers that take tens of seconds a step make one, without warming up: TensorFlow.js without programs, and bfloat16 where
 * the processor has no instructions for it.
 */
const isSlow = (name: string): boolean => name.startsWith('tfjs') || (name.endsWith('bfloat16') && !hasBfloat16());

function hasBfloat16(): boolean {
  try {
    return /avx512_bf16|amx_bf16/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

/** Pauses between turns: thread pools spin for a while after their work. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 400));

/** Tokens per second and peak memory of the same training step, ours and each peer's, in turns. */
export const train: Bench = async ({ rounds, say }) => {
  const only = process.env.TESSERAE_BENCH_PEERS?.split(',');
  const absent: { peer: string; reason: string }[] = [];
  const running: { peer: Peer; milliseconds: number[]; loss: number; slow: boolean }[] = [];
  for (const command of [ours('tesserae', 'onnx'), ...peers.filter(({ name }) => !only || only.includes(name))]) {
    try {
      say(`starting ${command.name}`);
      const peer = await startPeer(command);
      const slow = isSlow(command.name);
      if (!slow) await peer.run(3); // warm up: programs, memory, caches
      running.push({ peer, milliseconds: [], loss: NaN, slow });
    } catch (error) {
      absent.push({ peer: command.name, reason: (error as Error).message });
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const one of running) {
      if (one.slow && round > 0) continue;
      await pause();
      const { milliseconds, value } = await one.peer.run(one.slow ? 1 : 3);
      one.milliseconds.push(...milliseconds);
      one.loss = value;
    }
    say(`round ${round + 1} of ${rounds}`);
  }
  const measured: { name: string; stepMilliseconds: number; peakBytes: number; loss: number }[] = [];
  for (const { peer, milliseconds, loss } of running) {
    measured.push({ name: peer.name, stepMilliseconds: median(milliseconds), peakBytes: await peer.end(), loss });
  }
  const [us, ...others] = measured;
  const row = ({ name, stepMilliseconds, peakBytes, loss }: (typeof measured)[number]): Row => ({
    peer: name,
    ratio: stepMilliseconds / us.stepMilliseconds,
    memoryRatio: us.peakBytes / peakBytes,
    tokensPerSecond: (tokensPerStep / stepMilliseconds) * 1000,
    stepMilliseconds,
    peakMegabytes: peakBytes / 1e6,
    loss,
  });
  return { rows: others.map(row), absent, notes: [`tesserae: ${JSON.stringify(row(us))}`] };
};
