import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { loadRuntime } from '@tesserae/backend-onnx';
import type { Binding, Runtime, Session, Value } from '@tesserae/backend-onnx';
import { makeModel } from '../../../packages/backend-onnx/test/runtime/models';
import { median } from '../bench';
import type { Bench } from '../bench';

/** 24 outputs of 3 MB, as the gradients of a small model are: 24 products of one input with a number. */
const outputs = 24;
const elements = 786_432;
/** Calls of the one-node program in a round. */
const calls = 20_000;

/** The public layer of onnxruntime-node. */
interface Library {
  InferenceSession: { create(model: Uint8Array, options: object): Promise<LibrarySession> };
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
}
interface LibrarySession {
  run(feeds: Record<string, object>, fetches?: Record<string, object>): Promise<Record<string, { data: Float32Array }>>;
}

/** What calling a program costs beyond its kernels, through our binding and through onnxruntime-node's own layer. */
export const binding: Bench = async ({ rounds, say }) => {
  const runtime = loadRuntime();
  if (runtime.kind !== 'c-api') throw new Error(`the C API cannot be called here: ${runtime.fallbackReason}`);
  const library = createRequire(path.resolve('packages/backend-onnx/package.json'))('onnxruntime-node') as Library;
  const many = await openMany(runtime, library);
  const single = await openSingle(runtime, library);
  const measured = { ours: [] as number[], theirs: [] as number[], call: [] as number[], theirCall: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 10; i++) measured.ours.push(await elapsed(many.ours));
    for (let i = 0; i < 10; i++) measured.theirs.push(await elapsed(many.theirs));
    measured.call.push((await elapsed(() => single.ours(calls))) / calls);
    measured.theirCall.push((await elapsed(() => single.theirs(calls / 10))) / (calls / 10));
    say(`round ${round + 1} of ${rounds}`);
  }
  const { kernels, beyond } = many.endProfile();
  const ours = median(measured.ours);
  const theirs = median(measured.theirs);
  const [call, theirCall] = [median(measured.call) * 1000, median(measured.theirCall) * 1000];
  const peer = 'onnxruntime-node';
  return {
    rows: [
      {
        peer,
        program: `${outputs} outputs of 3 MB`,
        ratio: theirs / ours,
        milliseconds: ours,
        millisecondsBeyondKernels: beyond,
        peerMilliseconds: theirs,
        peerMillisecondsBeyondKernels: theirs - kernels,
      },
      { peer, program: 'one node', ratio: theirCall / call, microseconds: call, peerMicroseconds: theirCall },
    ],
    absent: [],
    notes: [`kernels of the ${outputs} outputs: ${kernels.toFixed(2)} ms, as the profile of the same program has them`],
  };
};

async function elapsed(run: () => void | Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** The program of many outputs; a second session with a profile says how long its kernels take. */
async function openMany(runtime: Runtime, library: Library) {
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const model = makeModel({
    nodes: names.map((name, i) => ({ opType: 'Mul', inputs: ['x', `c${i}`], outputs: [name] })),
    inputs: [{ name: 'x', dims: [elements] }],
    outputs: names.map((name) => ({ name, dims: [elements] })),
    initializers: names.map((_, i) => ({ name: `c${i}`, dims: [1], data: Float32Array.of(i + 1) })),
  });
  const input = new Float32Array(elements).fill(1);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'binding-'));
  const arrays = names.map(() => new Float32Array(elements));
  const bind = (session: Session): Binding =>
    session.createBinding(
      { x: runtime.createValue(input, [elements], 'float32') },
      Object.fromEntries(
        names.map((name, i): [string, Value] => [name, runtime.createValue(arrays[i], [elements], 'float32')]),
      ),
    );
  const plain = bind(runtime.createSession(model));
  const profiledSession = runtime.createSession(model, { profile: path.join(folder, 'profile') });
  const profiled = bind(profiledSession);
  const session = await library.InferenceSession.create(model, {});
  const tensor = (data: Float32Array): object => new library.Tensor('float32', data, [elements]);
  const feeds = { x: tensor(input) };
  const fetches = Object.fromEntries(names.map((name, i) => [name, tensor(arrays[i])]));
  await session.run(feeds, fetches); // warm up
  plain.run();
  return {
    ours: (): void => plain.run(),
    theirs: async (): Promise<void> => void (await session.run(feeds, fetches)),
    /** Runs with a profile: milliseconds in kernels, and of the call beyond them; medians. */
    endProfile(): { kernels: number; beyond: number } {
      const calls: number[] = [];
      for (let i = 0; i < 60; i++) {
        const start = performance.now();
        profiled.run();
        calls.push(performance.now() - start);
      }
      const events = JSON.parse(readFileSync(profiledSession.endProfiling(), 'utf8')) as {
        name: string;
        cat: string;
        dur: number;
      }[];
      rmSync(folder, { recursive: true, force: true });
      const nodes = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
      if (nodes.length !== calls.length * outputs) throw new Error(`the profile has ${nodes.length} kernels`);
      const kernels = calls.map((_, run) =>
        nodes.slice(run * outputs, (run + 1) * outputs).reduce((sum, { dur }) => sum + dur / 1000, 0),
      );
      const settled = 10; // the first runs find memory and threads
      return {
        kernels: median(kernels.slice(settled)),
        beyond: median(calls.map((call, i) => call - kernels[i]).slice(settled)),
      };
    },
  };
}

async function openSingle(runtime: Runtime, library: Library) {
  const model = makeModel({
    nodes: [{ opType: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
    inputs: [{ name: 'x', dims: [1] }],
    outputs: [{ name: 'y', dims: [1] }],
  });
  const x = Float32Array.of(2);
  const y = new Float32Array(1);
  const bound = runtime
    .createSession(model, { threads: 1 })
    .createBinding({ x: runtime.createValue(x, [1], 'float32') }, { y: runtime.createValue(y, [1], 'float32') });
  const session = await library.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const feeds = { x: new library.Tensor('float32', x, [1]) };
  return {
    ours(count: number): void {
      for (let i = 0; i < count; i++) bound.run();
      if (y[0] !== 4) throw new Error('the program is wrong');
    },
    async theirs(count: number): Promise<void> {
      for (let i = 0; i < count; i++) await session.run(feeds);
    },
  };
}
