import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { median } from '../bench';
import type { Bench } from '../bench';
import { startPeer } from '../peer/peer';
import type { Peer } from '../peer/peer';
import { tokensPerStep } from '../train/setting';

const script = [path.resolve('node_modules/tsx/dist/cli.mjs'), path.resolve('test/bench/compile/step.ts')];

/** What `step.ts` prints when it is asked for a report. */
interface Report {
  readonly traceMilliseconds: number;
  readonly sessionMilliseconds: number;
  readonly nodes: number;
  readonly modelBytes: number;
  readonly programs: number;
}

/**
 * What compiling the training step of bench `train` costs in a fresh process, and how much faster the compiled step is
 * than the same step kernel by kernel, and than the same on TensorFlow.js's WebAssembly backend as it ships.
 */
export const compileBench: Bench = async ({ rounds, say }) => {
  const reports = Array.from({ length: Math.min(rounds, 3) }, (_, i) => {
    say(`compiling in a fresh process, ${i + 1}`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [...script, 'compiled', 'report'], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the compiled step failed: ${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Report;
  });
  const running: { peer: Peer; milliseconds: number[]; loss: number }[] = [];
  const absent: { peer: string; reason: string }[] = [];
  for (const [name, way] of [
    ['tesserae', 'compiled'],
    ['onnx-eager', 'eager'],
    ['tfjs-wasm', 'wasm'],
  ] as const) {
    say(`starting ${name}`);
    try {
      const peer = await startPeer({ name, command: process.execPath, arguments: [...script, way] });
      if (way !== 'wasm') await peer.run(1);
      running.push({ peer, milliseconds: [], loss: NaN });
    } catch (error) {
      if (way === 'compiled') throw error;
      absent.push({ peer: name, reason: (error as Error).message });
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const one of running) {
      if (one.peer.name === 'tfjs-wasm' && round > 0) continue; // minutes a step: one of them, without warming up
      const { milliseconds, value } = await one.peer.run(one.peer.name === 'tesserae' ? 2 : 1);
      one.milliseconds.push(...milliseconds);
      one.loss = value;
    }
    say(`round ${round + 1} of ${rounds}`);
  }
  const measured = [];
  for (const { peer, milliseconds } of running)
    measured.push({ name: peer.name, step: median(milliseconds), peakBytes: await peer.end() });
  const [us, ...others] = measured;
  const of = (key: keyof Report): number => median(reports.map((report) => report[key]));
  const compiling = { traceMilliseconds: of('traceMilliseconds'), sessionMilliseconds: of('sessionMilliseconds') };
  return {
    rows: others.map(({ name, step, peakBytes }) => ({
      peer: name,
      ratio: step / us.step,
      memoryRatio: us.peakBytes / peakBytes,
      stepMilliseconds: us.step,
      peerStepMilliseconds: step,
      peerTokensPerSecond: (tokensPerStep / step) * 1000,
      ...compiling,
      compileMilliseconds: median(reports.map((report) => report.traceMilliseconds + report.sessionMilliseconds)),
    })),
    absent,
    notes: [
      `${of('programs')} programs, ${of('nodes')} nodes, ${(of('modelBytes') / 1e6).toFixed(1)} MB of model, in a process that compiled nothing before`,
    ],
  };
};
