import * as tf from '@tensorflow/tfjs-core';
import { backendNames, backendPlugins, builtInBackends, selectBackend } from '@tesserae/core';
import type { BackendCandidate, BackendName, BackendRequest, SelectBackendOptions } from '@tesserae/core';
import { createRegistry, tesseraeError } from '@tesserae/registry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** Candidates that can or cannot be used as the test says, and that note the order in which they were asked. */
function scripted(usable: readonly BackendName[]): {
  candidates: BackendCandidate[];
  asked: BackendName[];
  requests: BackendRequest[];
} {
  const asked: BackendName[] = [];
  const requests: BackendRequest[] = [];
  const candidates = backendNames.map((name) => ({
    name,
    use: async (request: BackendRequest) => {
      asked.push(name);
      requests.push(request);
      if (!usable.includes(name)) {
        throw tesseraeError({
          package: 'test',
          code: 'E_ABSENT',
          message: `no ${name}`,
          fix: `bring ${name}`,
          details: { summary: 'absent' },
        });
      }
      return { description: `a scripted ${name}`, threads: 2 };
    },
  }));
  return { candidates, asked, requests };
}

describe('selectBackend', () => {
  const before = process.env['TESSERAE_BACKEND'];
  beforeEach(() => {
    delete process.env['TESSERAE_BACKEND'];
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TESSERAE_BACKEND'];
    else process.env['TESSERAE_BACKEND'] = before;
    vi.restoreAllMocks();
  });

  it('asks the candidates in order and stops at the first that can be used', async () => {
    const { candidates, asked } = scripted(['tfjs-node', 'cpu']);
    const selected = await selectBackend({ candidates, log: false });
    expect(asked).toEqual(['tfjs-node-gpu', 'onnx', 'tfjs-node']);
    expect(selected).toMatchObject({ name: 'tfjs-node', reason: 'the best that can be used here', threads: 2 });
    expect(selected.tried).toEqual([
      { name: 'tfjs-node-gpu', why: 'absent', fix: 'bring tfjs-node-gpu' },
      { name: 'onnx', why: 'absent', fix: 'bring onnx' },
    ]);
  });

  it('says in one line what it took and why not the others', async () => {
    const print = vi.spyOn(console, 'info').mockImplementation(() => undefined);
    const { candidates } = scripted(['onnx']);
    const selected = await selectBackend({ candidates });
    expect(print.mock.calls).toEqual([[selected.line]]);
    expect(selected.line).toBe(
      'backend onnx: a scripted onnx, 2 threads, the best that can be used here; not tfjs-node-gpu (absent); not tried: tfjs-node, wasm, cpu',
    );
  });

  it('prints nothing when asked to be silent, and hands the line to a function', async () => {
    const print = vi.spyOn(console, 'info').mockImplementation(() => undefined);
    const lines: string[] = [];
    await selectBackend({ candidates: scripted(['wasm']).candidates, log: false });
    const { line } = await selectBackend({
      candidates: scripted(['wasm']).candidates,
      log: (text) => lines.push(text),
    });
    expect(print).not.toHaveBeenCalled();
    expect(lines).toEqual([line]);
  });

  it('tries the preferred backend first and falls back in order', async () => {
    const taken = scripted(['onnx', 'wasm']);
    expect(await selectBackend({ prefer: 'wasm', candidates: taken.candidates, log: false })).toMatchObject({
      name: 'wasm',
      reason: 'asked for',
    });
    expect(taken.asked).toEqual(['wasm']);
    const absent = scripted(['onnx']);
    const selected = await selectBackend({ prefer: 'wasm', candidates: absent.candidates, log: false });
    expect(absent.asked).toEqual(['wasm', 'tfjs-node-gpu', 'onnx']);
    expect(selected).toMatchObject({ name: 'onnx', reason: 'the best that can be used here' });
    expect(selected.line).toContain('not wasm (absent), tfjs-node-gpu (absent)');
  });

  it('honours TESSERAE_BACKEND, and prefer before it', async () => {
    process.env['TESSERAE_BACKEND'] = 'wasm';
    const all = backendNames;
    expect(await selectBackend({ candidates: scripted(all).candidates, log: false })).toMatchObject({
      name: 'wasm',
      reason: 'asked for by TESSERAE_BACKEND',
    });
    expect((await selectBackend({ prefer: 'cpu', candidates: scripted(all).candidates, log: false })).name).toBe('cpu');
    process.env['TESSERAE_BACKEND'] = 'quantum';
    await expect(selectBackend({ log: false })).rejects.toThrow(
      "[core] E_UNKNOWN_BACKEND: TESSERAE_BACKEND asks for the backend 'quantum', which is not one of tfjs-node-gpu, onnx, tfjs-node, wasm, cpu; set TESSERAE_BACKEND to one of these, or unset it",
    );
  });

  it('hands threads and provider on', async () => {
    const { candidates, requests } = scripted(['tfjs-node-gpu']);
    await selectBackend({ candidates, threads: 3, provider: 'webgpu', log: false });
    expect(requests).toEqual([{ threads: 3, provider: 'webgpu' }]);
  });

  it('fails with every reason when nothing can be used, or nothing else may', async () => {
    await expect(selectBackend({ candidates: scripted([]).candidates, log: false })).rejects.toThrow(
      '[core] E_BACKEND_UNAVAILABLE: no backend can be used (tfjs-node-gpu: absent; onnx: absent; tfjs-node: absent; wasm: absent; cpu: absent); bring tfjs-node-gpu',
    );
    const { candidates, asked } = scripted(['cpu']);
    await expect(selectBackend({ prefer: 'onnx', fallback: false, candidates, log: false })).rejects.toThrow(
      '[core] E_BACKEND_UNAVAILABLE: the backend that was asked for cannot be used (onnx: absent); bring onnx',
    );
    expect(asked).toEqual(['onnx']);
  });

  it.each([
    [
      { prefer: 'gpu' },
      "E_UNKNOWN_BACKEND: prefer asks for the backend 'gpu', which is not one of tfjs-node-gpu, onnx",
    ],
    [{ threads: 0 }, "E_OPTION: the option 'threads' of selectBackend must be a whole number ≥ 1, found 0"],
    [
      { provider: 'metal' },
      "the option 'provider' of selectBackend must be one of 'cpu', 'webgpu', 'cuda', found \"metal\"",
    ],
    [
      { prefers: 'cpu' },
      'E_OPTION: selectBackend has no option "prefers"; did you mean \'prefer\'? the options are prefer, fallback',
    ],
    [{ log: 'yes' }, "E_OPTION: the option 'log' of selectBackend must be true, false or a function"],
    [{ fallback: 1 }, "E_OPTION: the option 'fallback' of selectBackend must be true or false, found 1"],
    [{ candidates: 1 }, "E_OPTION: the option 'candidates' of selectBackend must be a list of candidates"],
    [null, 'E_OPTION: selectBackend takes an object of options, found null'],
  ])('refuses %j', async (options, message) => {
    await expect(selectBackend(options as unknown as SelectBackendOptions)).rejects.toThrow(message);
  });

  it.each(['cpu', 'wasm'] as const)('computes on %s', async (prefer) => {
    const advertisement = vi.spyOn(console, 'warn');
    const selected = await selectBackend({ prefer, fallback: false, log: false });
    expect(selected).toMatchObject({ name: prefer, backend: prefer, tried: [] });
    expect(tf.getBackend()).toBe(prefer);
    const product = tf.tidy(() =>
      tf.matMul(
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        tf.tensor2d([
          [5, 6],
          [7, 8],
        ]),
      ),
    );
    expect([...product.dataSync()]).toEqual([19, 22, 43, 50]);
    product.dispose();
    expect(advertisement).not.toHaveBeenCalled();
  });

  it('completes wasm with the kernel that training needs', async () => {
    await selectBackend({ prefer: 'wasm', fallback: false, log: false });
    const sums = tf.tidy(() =>
      tf.unsortedSegmentSum(
        tf.tensor2d([
          [1, 2],
          [3, 4],
          [5, 6],
          [7, 8],
        ]),
        tf.tensor1d([2, 0, 2, -1], 'int32'),
        3,
      ),
    );
    expect(await sums.array()).toEqual([
      [3, 4],
      [0, 0],
      [6, 8],
    ]);
    sums.dispose();
    const whole = tf.tidy(() =>
      tf.unsortedSegmentSum(tf.tensor1d([1, 2, 3], 'int32'), tf.tensor1d([1, 1, 9], 'int32'), 2),
    );
    expect(whole.dtype).toBe('int32');
    expect(await whole.array()).toEqual([0, 3]);
    whole.dispose();
  });

  it('says at once when a provider does not start', async () => {
    const candidates = builtInBackends().filter(({ name }) => name === 'onnx');
    const selecting = selectBackend({ candidates, provider: 'cuda', log: false });
    await expect(
      selecting.then(
        (selected) => selected.description,
        (error: Error) => error.message,
      ),
    ).resolves.toMatch(
      /^ONNX Runtime [\d.]+ on cuda$|E_BACKEND_UNAVAILABLE: .*onnx: .*E_PROVIDER: the provider cuda does not start/,
    );
  });

  it('takes candidates from anywhere: plugins of the kind backend', async () => {
    const kit = createRegistry(backendPlugins);
    expect(kit.list('backend').map(({ name }) => name)).toEqual([...backendNames].sort());
    const mine: BackendCandidate = { name: 'mine', use: () => Promise.resolve({ description: 'my own' }) };
    const candidates = [mine, await kit.create('backend', 'cpu')];
    expect(await selectBackend({ candidates, log: false })).toMatchObject({ name: 'mine', reason: 'the best' });
    expect((await selectBackend({ candidates, prefer: 'cpu', log: false })).line).toBe(
      'backend cpu: plain JavaScript, slow, 1 thread, asked for; not tried: mine',
    );
  });

  it('lists the built-in backends in the documented order, and finds one without being told which', async () => {
    expect(builtInBackends().map((candidate) => candidate.name)).toEqual([...backendNames]);
    const selected = await selectBackend({ log: false });
    const names: readonly string[] = backendNames;
    expect(names).toContain(selected.name);
    expect(selected.tried.map((attempt) => attempt.name)).toEqual(names.slice(0, names.indexOf(selected.name)));
  });
});
