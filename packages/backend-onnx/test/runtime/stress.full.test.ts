import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../src/runtime';
import type { Binding, Runtime, Session } from '../../src/runtime';
import { collect, garbageCollector } from './forceGc';
import { doubling } from './models';

/**
 * 100,000 runs each way, with the garbage collector forced every so often: nothing may crash, give a wrong number, or
 * keep memory. Memory is compared between two moments late enough that pools and caches have grown to their size.
 */
const runs = 100_000;
const every = 1_000;
const gc = garbageCollector();

const residentMegabytes = async (): Promise<number> => {
  await collect(gc, 4);
  return process.memoryUsage.rss() / 2 ** 20;
};

/** Does something many times, and tells how many megabytes the second half of it kept. */
async function growth(body: (index: number) => void | Promise<void>): Promise<number> {
  let halfway = 0;
  for (let index = 0; index < runs; index += 1) {
    const result = body(index);
    if (result !== undefined) await result;
    if (index % every === 0) await collect(gc, 1);
    if (index === runs / 2) halfway = await residentMegabytes();
  }
  return (await residentMegabytes()) - halfway;
}

describe('100,000 times, with garbage collection forced', () => {
  const runtime = loadRuntime({ prefer: 'c-api' });
  const size = 64;
  const bind = (session: Session): { binding: Binding; x: Float32Array; y: Float32Array } => {
    const [x, y] = [new Float32Array(size), new Float32Array(size)];
    const value = (data: Float32Array): ReturnType<Runtime['createValue']> =>
      runtime.createValue(data, [size], 'float32');
    return { binding: session.createBinding({ x: value(x) }, { y: value(y) }), x, y };
  };

  it('a binding runs', async () => {
    const session = runtime.createSession(doubling([size]));
    const { binding, x, y } = bind(session);
    const kept = await growth((index) => {
      x[index % size] = index;
      binding.run();
      if (y[index % size] !== 2 * index) throw new Error(`run ${index} gave ${y[index % size]}`);
    });
    session.dispose();
    expect(kept).toBeLessThan(8);
  }, 600_000);

  it('a binding runs on another thread', async () => {
    const session = runtime.createSession(doubling([size]));
    const { binding, x, y } = bind(session);
    const { signal } = new AbortController();
    const kept = await growth(async (index) => {
      x[index % size] = index;
      await binding.runAsync(index % 2 === 0 ? {} : { signal });
      if (y[index % size] !== 2 * index) throw new Error(`run ${index} gave ${y[index % size]}`);
    });
    session.dispose();
    expect(kept).toBeLessThan(8);
  }, 600_000);

  it('values and bindings are made and disposed of', async () => {
    const session = runtime.createSession(doubling([size]));
    const kept = await growth((index) => {
      const [x, y] = [new Float32Array(size).fill(index), new Float32Array(size)];
      const [a, b] = [runtime.createValue(x, [size], 'float32'), runtime.createValue(y, [size], 'float32')];
      const binding = session.createBinding({ x: a }, { y: b });
      binding.run();
      binding.dispose();
      a.dispose();
      b.dispose();
      if (y[size - 1] !== 2 * index) throw new Error(`run ${index} gave ${y[size - 1]}`);
    });
    session.dispose();
    expect(kept).toBeLessThan(8);
  }, 600_000);

  it('values and bindings are made and forgotten', async () => {
    const session = runtime.createSession(doubling([size]));
    const kept = await growth((index) => {
      const { binding, x, y } = bind(session);
      x.fill(index);
      binding.run();
      if (y[0] !== 2 * index) throw new Error(`run ${index} gave ${y[0]}`);
    });
    session.dispose();
    expect(kept).toBeLessThan(8);
  }, 600_000);

  it('a binding refuses to run', async () => {
    const session = runtime.createSession(doubling([size]));
    const { binding } = bind(session);
    const gone = runtime.createValue(new Float32Array(size), [size], 'float32');
    binding.setInput('x', gone);
    gone.dispose();
    let failures = 0;
    const kept = await growth(() => {
      try {
        binding.run();
      } catch {
        failures += 1;
      }
    });
    session.dispose();
    expect(failures).toBe(runs);
    expect(kept).toBeLessThan(8);
  }, 600_000);
});

it('10,000 runs fail inside ONNX Runtime, which keeps 1 to 3 kB of each, here and through onnxruntime-node alike', async () => {
  const runtime = loadRuntime({ prefer: 'c-api' });
  const session = runtime.createSession(doubling(['n']));
  const value = (length: number): ReturnType<Runtime['createValue']> =>
    runtime.createValue(new Float32Array(length), [length], 'float32');
  const binding = session.createBinding({ x: value(3) }, { y: value(2) });
  const before = await residentMegabytes();
  let failures = 0;
  for (let index = 0; index < 10_000; index += 1) {
    try {
      binding.run();
    } catch {
      failures += 1;
    }
    if (index % every === 0) await collect(gc, 1);
  }
  expect(failures).toBe(10_000);
  expect((await residentMegabytes()) - before).toBeLessThan(80);
  const y = value(3);
  binding.setOutput('y', y);
  binding.run(); // and it works again
  session.dispose();
}, 600_000);

it('2,000 sessions are made, run and disposed of or forgotten', async () => {
  const runtime = loadRuntime({ prefer: 'c-api' });
  const model = doubling();
  let halfway = 0;
  for (let index = 0; index < 2_000; index += 1) {
    const session = runtime.createSession(model);
    const y = new Float32Array(4);
    session
      .createBinding(
        { x: runtime.createValue(Float32Array.of(1, 2, 3, index), [4], 'float32') },
        { y: runtime.createValue(y, [4], 'float32') },
      )
      .run();
    expect(y[3]).toBe(2 * index);
    if (index % 2 === 0) session.dispose();
    if (index % 50 === 0) await collect(gc, 1);
    if (index === 1_000) halfway = await residentMegabytes();
  }
  expect((await residentMegabytes()) - halfway).toBeLessThan(16);
}, 600_000);
