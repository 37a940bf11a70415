import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../src/runtime';
import type { Runtime, Value } from '../../src/runtime';
import { expectError, expectRejection } from './expectError';
import { collect, garbageCollector } from './forceGc';
import { copies, doubling, longProducts, makeModel } from './models';

const vector = (runtime: Runtime, ...data: number[]): Value =>
  runtime.createValue(Float32Array.from(data), [data.length], 'float32');
const matrix = (runtime: Runtime, n: number, fill = 0): Value =>
  runtime.createValue(new Float32Array(n * n).fill(fill), [n, n], 'float32');

/** state' = state + delta, the shape of a training step. */
const step = makeModel({
  nodes: [{ opType: 'Add', inputs: ['state', 'delta'], outputs: ['next'] }],
  inputs: [
    { name: 'state', dims: [3] },
    { name: 'delta', dims: [3] },
  ],
  outputs: [{ name: 'next', dims: [3] }],
});

describe.each(['c-api', 'onnxruntime-node'] as const)('bindings of %s', (prefer) => {
  const runtime = loadRuntime({ prefer });

  it('share memory with their arrays: what is written between runs is seen, what comes out is there', () => {
    const session = runtime.createSession(doubling());
    const x = vector(runtime, 1, 2, 3, 4);
    const y = vector(runtime, 0, 0, 0, 0);
    const room = y.data;
    const binding = session.createBinding({ x }, { y });
    binding.run();
    x.data[2] = 100;
    binding.run();
    expect(y.data).toBe(room);
    expect([...room]).toEqual([2, 4, 200, 8]);
    session.dispose();
  });

  it('update state in place, and in two buffers that swap', () => {
    const session = runtime.createSession(step);
    const delta = vector(runtime, 1, 2, 3);
    const state = vector(runtime, 0, 0, 0);
    const inPlace = session.createBinding({ state, delta }, { next: state });
    for (let count = 0; count < 5; count += 1) inPlace.run();
    expect([...state.data]).toEqual([5, 10, 15]);

    let [now, next] = [vector(runtime, 0, 0, 0), vector(runtime, 0, 0, 0)];
    const swapping = session.createBinding({ delta });
    for (let count = 0; count < 5; count += 1) {
      swapping.setInput('state', now);
      swapping.setOutput('next', next);
      swapping.run();
      [now, next] = [next, now];
    }
    expect([...now.data]).toEqual([5, 10, 15]);
    expect([...next.data]).toEqual([4, 8, 12]);
    session.dispose();
  });

  it('hand back an output that is an input', () => {
    const session = runtime.createSession(
      makeModel({
        nodes: [{ opType: 'Neg', inputs: ['x'], outputs: ['y'] }],
        inputs: [{ name: 'x', dims: [2] }],
        outputs: [
          { name: 'y', dims: [2] },
          { name: 'x', dims: [2] },
        ],
      }),
    );
    const [y, same] = [vector(runtime, 0, 0), vector(runtime, 0, 0)];
    session.createBinding({ x: vector(runtime, 1, 2) }, { y, x: same }).run();
    expect([...y.data, ...same.data]).toEqual([-1, -2, 1, 2]);
    session.dispose();
  });

  it('may ask for some of the outputs only', () => {
    const session = runtime.createSession(copies(2, 3));
    const y1 = vector(runtime, 0, 0);
    session.createBinding({ x: vector(runtime, 1, 2) }, { y1 }).run();
    expect([...y1.data]).toEqual([-1, -2]);
    session.dispose();
  });

  it('refuse names, types and shapes that the session does not have', () => {
    const session = runtime.createSession(doubling());
    const x = vector(runtime, 1, 2, 3, 4);
    expectError(() => session.createBinding({ z: x }), 'E_NAME', /the session has no input 'z'; its inputs are 'x'/);
    expectError(
      () => session.createBinding({ x }, { x }),
      'E_NAME',
      /the session has no output 'x'; its outputs are 'y'/,
    );
    expectError(
      () => session.createBinding({ x: vector(runtime, 1, 2) }),
      'E_VALUE_DIMS',
      /input 'x' is \[4\], found \[2\]/,
    );
    expectError(
      () => session.createBinding({ x }, { y: runtime.createValue(new Float32Array(4), [2, 2], 'float32') }),
      'E_VALUE_DIMS',
      /output 'y' is \[4\], found \[2,2\]/,
    );
    expectError(
      () => session.createBinding({ x: runtime.createValue(new Int32Array(4), [4], 'int32') }),
      'E_VALUE_TYPE',
      /input 'x' is float32, found int32/,
    );
    const binding = session.createBinding({}, { y: vector(runtime, 0, 0, 0, 0) });
    expectError(() => binding.setOutput('y', vector(runtime, 0)), 'E_VALUE_DIMS', /output 'y' is \[4\], found \[1\]/);
    session.dispose();
  });

  it('refuse a run that lacks an input or an output', () => {
    const session = runtime.createSession(step);
    const missing = session.createBinding({ state: vector(runtime, 0, 0, 0) }, { next: vector(runtime, 0, 0, 0) });
    expectError(() => missing.run(), 'E_NAME', /inputs without a value: 'delta'; set them before the run/);
    const idle = session.createBinding({ state: vector(runtime, 0, 0, 0), delta: vector(runtime, 0, 0, 0) });
    expectError(() => idle.run(), 'E_NAME', /no output has a value/);
    session.dispose();
  });

  it('refuse outputs that do not fit where the model leaves the shape open', () => {
    const session = runtime.createSession(doubling(['n', 'm']));
    const x = runtime.createValue(new Float32Array(600), [20, 30], 'float32');
    for (const dims of [
      [1, 1],
      [30, 20],
      [40, 30],
    ]) {
      const y = runtime.createValue(new Float32Array(dims[0] * dims[1]).fill(7), dims, 'float32');
      expectError(
        () => session.createBinding({ x }, { y }).run(),
        'E_RUNTIME_ARGUMENT',
        new RegExp(`[{[]${dims.join(',')}[\\]}]`),
      );
      expect((y.data as Float32Array).every((number) => number === 7)).toBe(true);
    }
    expectError(
      () => session.createBinding({ x: runtime.createValue(new Float32Array(6), [6], 'float32') }),
      'E_VALUE_DIMS',
      /input 'x' is \[\?,\?\], found \[6\]/,
    );
    session.dispose();
  });

  it('pass on what an operator cannot do', () => {
    const session = runtime.createSession(
      makeModel({
        nodes: [{ opType: 'Add', inputs: ['a', 'b'], outputs: ['c'] }],
        inputs: [
          { name: 'a', dims: ['n'] },
          { name: 'b', dims: ['m'] },
        ],
        outputs: [{ name: 'c', dims: ['k'] }],
      }),
    );
    const binding = session.createBinding(
      { a: vector(runtime, 1, 2), b: vector(runtime, 1, 2, 3) },
      { c: vector(runtime, 0, 0, 0) },
    );
    expectError(() => binding.run(), 'E_RUNTIME_FAILED', /while running Add node/);
    binding.setInput('a', vector(runtime, 1, 2, 3));
    binding.run(); // and it works again
    session.dispose();
  });

  it('notice values that were disposed of and memory that was transferred', async () => {
    const session = runtime.createSession(doubling());
    const [x, y] = [vector(runtime, 1, 2, 3, 4), vector(runtime, 0, 0, 0, 0)];
    const binding = session.createBinding({ x }, { y });
    x.dispose();
    expectError(() => binding.run(), 'E_DISPOSED', /the value (of|for) input 'x' was disposed of/);
    await expectRejection(() => binding.runAsync(), 'E_DISPOSED', /the value (of|for) input 'x' was disposed of/);
    expectError(() => binding.setInput('x', x), 'E_DISPOSED', /the value for input 'x' was disposed of/);
    binding.setInput('x', vector(runtime, 1, 2, 3, 4));
    binding.run();
    structuredClone(y.data.buffer, { transfer: [y.data.buffer as ArrayBuffer] });
    expectError(() => binding.run(), 'E_VALUE_BUFFER', /the memory of output 'y' was transferred away/);
    await expectRejection(() => binding.runAsync(), 'E_VALUE_BUFFER', /the memory of output 'y'/);
    binding.dispose();
    binding.dispose();
    expect(binding.disposed).toBe(true);
    expectError(() => binding.run(), 'E_DISPOSED', /the binding or its session was disposed of; make a new binding/);
    await expectRejection(() => binding.runAsync(), 'E_DISPOSED', /the binding or its session was disposed of/);
    session.dispose();
  });

  it('run off the main thread, one run at a time', async () => {
    const session = runtime.createSession(longProducts(192, 8));
    const [x, w, y] = [matrix(runtime, 192, 1), matrix(runtime, 192, 1 / 192), matrix(runtime, 192)];
    const binding = session.createBinding({ x, w }, { y });
    expect(binding.running).toBe(false);
    const run = binding.runAsync();
    expect(binding.running).toBe(true);
    const busy = /cannot [a-z' ]+: the (binding|session) is running; await/;
    await expectRejection(() => binding.runAsync(), 'E_RUNNING', busy);
    expectError(() => binding.run(), 'E_RUNNING', busy);
    expectError(() => binding.setInput('x', w), 'E_RUNNING', busy);
    expectError(() => binding.setOutput('y', x), 'E_RUNNING', busy);
    expectError(() => binding.dispose(), 'E_RUNNING', busy);
    expectError(() => session.dispose(), 'E_RUNNING', busy);
    expectError(() => session.endProfiling(), 'E_RUNNING', busy);
    await run;
    expect(binding.running).toBe(false);
    expect(y.data[0]).toBeCloseTo(1, 4);
    await binding.runAsync();
    session.dispose();
  });

  it('of one session run at the same time', async () => {
    const session = runtime.createSession(doubling());
    const outputs = Array.from({ length: 20 }, () => vector(runtime, 0, 0, 0, 0));
    await Promise.all(
      outputs.map((y, index) => session.createBinding({ x: vector(runtime, index, 0, 0, 1) }, { y }).runAsync()),
    );
    expect(outputs.map((y) => y.data[0])).toEqual(outputs.map((_, index) => 2 * index));
    session.dispose();
  });

  it('reject with the code of what failed elsewhere', async () => {
    const session = runtime.createSession(doubling(['n']));
    const binding = session.createBinding({ x: vector(runtime, 1, 2) }, { y: vector(runtime, 0) });
    await expectRejection(() => binding.runAsync(), 'E_RUNTIME_ARGUMENT', /could not run the session|came out as/);
    binding.setOutput('y', vector(runtime, 0, 0));
    await binding.runAsync();
    session.dispose();
  });

  it('do not begin when the signal was aborted before', async () => {
    const session = runtime.createSession(doubling());
    const y = vector(runtime, 0, 0, 0, 0);
    const binding = session.createBinding({ x: vector(runtime, 1, 2, 3, 4) }, { y });
    await expectRejection(
      () => binding.runAsync({ signal: AbortSignal.abort() }),
      'E_CANCELLED',
      /cancelled by its signal/,
    );
    expect([...y.data]).toEqual([0, 0, 0, 0]);
    const controller = new AbortController();
    await binding.runAsync({ signal: controller.signal });
    controller.abort(); // too late to matter
    expect([...y.data]).toEqual([2, 4, 6, 8]);
    session.dispose();
  });
});

describe('the C API', () => {
  const runtime = loadRuntime({ prefer: 'c-api' });
  const gc = garbageCollector();

  it('stops a run in progress when its signal is aborted, and runs again afterwards', async () => {
    const session = runtime.createSession(longProducts(256, 400), { threads: 1 });
    const [x, w, y] = [matrix(runtime, 256, 1), matrix(runtime, 256, 1 / 256), matrix(runtime, 256)];
    const binding = session.createBinding({ x, w }, { y });
    const controller = new AbortController();
    const run = binding.runAsync({ signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await expectRejection(() => run, 'E_CANCELLED', /cancelled by its signal; run again with another signal/);
    expect((y.data as Float32Array)[0]).toBe(0); // the last product never came
    await binding.runAsync({ signal: new AbortController().signal });
    expect(y.data[0]).toBeCloseTo(1, 3);
    (y.data as Float32Array).fill(0);
    binding.run();
    expect(y.data[0]).toBeCloseTo(1, 3);
    session.dispose();
  });

  it('leaves the main thread free during a run', async () => {
    const session = runtime.createSession(longProducts(256, 200), { threads: 1 });
    const [x, w, y] = [matrix(runtime, 256, 1), matrix(runtime, 256, 1 / 256), matrix(runtime, 256)];
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    await session.createBinding({ x, w }, { y }).runAsync();
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(2);
    session.dispose();
  });

  it('frees what is forgotten, in any order', async () => {
    const seen: WeakRef<object>[] = [];
    const forget = (): void => {
      const session = runtime.createSession(doubling());
      const values = [vector(runtime, 1, 2, 3, 4), vector(runtime, 0, 0, 0, 0)];
      const binding = session.createBinding({ x: values[0] }, { y: values[1] });
      binding.run();
      seen.push(...[session, binding, ...values].map((object) => new WeakRef<object>(object)));
    };
    for (let count = 0; count < 20; count += 1) forget();
    await collect(gc, 6);
    expect(seen.filter((reference) => reference.deref() !== undefined).length).toBe(0);
  });

  it('keeps a session, values and memory alive as long as a binding may run', async () => {
    const make = (): {
      binding: ReturnType<ReturnType<Runtime['createSession']>['createBinding']>;
      read: () => number[];
    } => {
      const y = new Float32Array(4);
      const binding = runtime
        .createSession(doubling())
        .createBinding({ x: vector(runtime, 1, 2, 3, 4) }, { y: runtime.createValue(y, [4], 'float32') });
      return { binding, read: () => [...y] };
    };
    const { binding, read } = make();
    await collect(gc, 6);
    binding.run();
    expect(read()).toEqual([2, 4, 6, 8]);
  });

  it('keeps a run alive that nobody holds', async () => {
    const y = new Float32Array(256 * 256);
    const begin = (): Promise<void> =>
      runtime
        .createSession(longProducts(256, 60), { threads: 1 })
        .createBinding(
          { x: matrix(runtime, 256, 1), w: matrix(runtime, 256, 1 / 256) },
          { y: runtime.createValue(y, [256, 256], 'float32') },
        )
        .runAsync({ signal: new AbortController().signal });
    const run = begin();
    await collect(gc, 4);
    await run;
    expect(y[0]).toBeCloseTo(1, 3);
  });
});
