import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../src/runtime';
import type { Provider, Value } from '../../src/runtime';
import { expectError, expectRejection } from './expectError';
import { collect, garbageCollector } from './forceGc';
import { doubling, makeModel } from './models';

const runtime = loadRuntime({ prefer: 'c-api' });
const vector = (...data: number[]): Value => runtime.createValue(Float32Array.from(data), [data.length], 'float32');

/** The provider with memory of its own that starts here, if one does. */
const provider = (['webgpu', 'cuda'] as const).find((name) => {
  try {
    runtime.createSession(doubling(), { provider: name }).dispose();
    return true;
  } catch {
    return false;
  }
}) as Provider;
if (provider === undefined)
  console.log('skipped: tensors in the memory of a provider need WebGPU or CUDA (npm run setup:software-vulkan)');

describe.skipIf(provider === undefined)('values in the memory of a provider', () => {
  const step = makeModel({
    nodes: [{ opType: 'Add', inputs: ['state', 'delta'], outputs: ['next'] }],
    inputs: [
      { name: 'state', dims: [3] },
      { name: 'delta', dims: [3] },
    ],
    outputs: [{ name: 'next', dims: [3] }],
  });

  it.each([
    [[], Float32Array.of(7)],
    [[2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)],
    [[100_000], Float32Array.from({ length: 100_000 }, (_, index) => index)],
  ])('of dims %j give back what was written', (dims, data) => {
    const value = runtime.createDeviceValue(dims, 'float32', provider);
    expect(value).toMatchObject({ dims, type: 'float32', provider, disposed: false });
    value.write(data);
    expect(value.read()).toEqual(data);
    const into = new Float32Array(data.length);
    expect(value.read(into)).toBe(into);
    expect(into).toEqual(data);
    value.dispose();
    value.dispose();
    expect(value.disposed).toBe(true);
    expectError(() => value.read(), 'E_DISPOSED', /was disposed of/);
  });

  it('keep state between runs, in place and swapping, and mix with values of ours', async () => {
    const session = runtime.createSession(step, { provider });
    const [state, other] = [1, 2].map(() => runtime.createDeviceValue([3], 'float32', provider));
    const delta = vector(1, 2, 3);
    state.write(new Float32Array(3));
    const inPlace = session.createBinding({ state, delta }, { next: state });
    for (let count = 0; count < 5; count += 1) inPlace.run();
    await inPlace.runAsync();
    expect([...state.read()]).toEqual([6, 12, 18]);

    (delta.data as Float32Array).fill(1); // what is ours is copied at each run
    const swapping = session.createBinding({ delta });
    let [now, next] = [state, other];
    for (let count = 0; count < 5; count += 1) {
      swapping.setInput('state', now);
      swapping.setOutput('next', next);
      swapping.run();
      [now, next] = [next, now];
    }
    expect([...now.read()]).toEqual([11, 17, 23]);
    const out = vector(0, 0, 0);
    session.createBinding({ state: now, delta }, { next: out }).run();
    expect([...out.data]).toEqual([12, 18, 24]);
    session.dispose();
    expect([...now.read()]).toEqual([11, 17, 23]); // it outlives the session
  });

  it('refuse what does not fit, and cannot be used once disposed of', async () => {
    const session = runtime.createSession(step, { provider });
    const state = runtime.createDeviceValue([3], 'float32', provider);
    expectError(() => state.write(new Float32Array(2)), 'E_VALUE_SIZE', /need 3 elements, the Float32Array has 2/);
    expectError(() => state.write(new Int32Array(3)), 'E_VALUE_TYPE', /float32 lives in a Float32Array/);
    expectError(() => state.read(new Float32Array(4)), 'E_VALUE_SIZE', /has 4/);
    const wide = runtime.createDeviceValue([4], 'float32', provider);
    expectError(() => session.createBinding({ state: wide }), 'E_VALUE_DIMS', /input 'state' is \[3\], found \[4\]/);
    const binding = session.createBinding({ state, delta: vector(1, 2, 3) }, { next: state });
    state.dispose();
    expectError(() => binding.run(), 'E_DISPOSED', /input 'state' was disposed of/);
    await expectRejection(() => binding.runAsync(), 'E_DISPOSED', /input 'state' was disposed of/);
    session.dispose();
  });

  it('are freed when forgotten', async () => {
    const gc = garbageCollector();
    const seen = Array.from({ length: 20 }, () => new WeakRef(runtime.createDeviceValue([1000], 'float32', provider)));
    await collect(gc, 6);
    expect(seen.filter((reference) => reference.deref() !== undefined).length).toBe(0);
  });
});

it('values in the memory of a provider need a provider that has some', () => {
  expectError(
    () => runtime.createDeviceValue([2], 'float32', 'cpu'),
    'E_PROVIDER',
    /cpu has no memory of its own; use createValue/,
  );
  expectError(
    () => runtime.createDeviceValue([2], 'tpu' as never, 'webgpu'),
    'E_VALUE_TYPE',
    /unknown element type 'tpu'/,
  );
  expectError(() => runtime.createDeviceValue([-2], 'float32', 'webgpu'), 'E_VALUE_DIMS', /dims must be/);
  const fallback = loadRuntime({ prefer: 'onnxruntime-node' });
  expectError(() => fallback.createDeviceValue([2], 'float32', 'webgpu'), 'E_NOT_IMPLEMENTED', /keeps no tensors/);
});
