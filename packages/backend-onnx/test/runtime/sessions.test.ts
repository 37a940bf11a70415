import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRuntime } from '../../src/runtime';
import type { Runtime, Value } from '../../src/runtime';
import { expectError } from './expectError';
import { doubling, makeModel } from './models';

const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-session-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const vector = (runtime: Runtime, ...data: number[]): Value =>
  runtime.createValue(Float32Array.from(data), [data.length], 'float32');

/** z = x * w with w [2] as an initializer. */
const weighted = makeModel({
  nodes: [{ opType: 'Mul', inputs: ['x', 'w'], outputs: ['z'] }],
  inputs: [{ name: 'x', dims: [2] }],
  outputs: [{ name: 'z', dims: [2] }],
  initializers: [{ name: 'w', dims: [2], data: Float32Array.of(7, 8) }],
});

describe.each(['c-api', 'onnxruntime-node'] as const)('sessions of %s', (prefer) => {
  const runtime = loadRuntime({ prefer });

  it('tell their inputs and outputs, -1 for a dim that may vary', () => {
    const session = runtime.createSession(doubling(['batch', 3]));
    expect(session.inputNames).toEqual(['x']);
    expect(session.outputNames).toEqual(['y']);
    expect(session.inputs).toEqual([{ name: 'x', type: 'float32', dims: [-1, 3] }]);
    expect(session.outputs).toEqual([{ name: 'y', type: 'float32', dims: [-1, 3] }]);
    session.dispose();
  });

  it('come from bytes, from part of a buffer and from a file', () => {
    const bytes = doubling();
    const file = path.join(folder, `modèle ${prefer}.onnx`);
    writeFileSync(file, bytes);
    const part = new Uint8Array(bytes.length + 20);
    part.set(bytes, 7);
    for (const model of [bytes, file, part.subarray(7, 7 + bytes.length)]) {
      const session = runtime.createSession(model);
      const y = vector(runtime, 0, 0, 0, 0);
      session.createBinding({ x: vector(runtime, 1, 2, 3, 4) }, { y }).run();
      expect([...y.data]).toEqual([2, 4, 6, 8]);
      session.dispose();
    }
  });

  it.each([1, 2, 3, undefined])('run on %s threads', (threads) => {
    const session = runtime.createSession(doubling(), threads === undefined ? {} : { threads });
    const y = vector(runtime, 0, 0, 0, 0);
    session.createBinding({ x: vector(runtime, 1, 2, 3, 4) }, { y }).run();
    expect([...y.data]).toEqual([2, 4, 6, 8]);
    session.dispose();
  });

  it.each(['disabled', 'basic', 'extended', 'all'] as const)('optimize the graph: %s', (graphOptimization) => {
    const session = runtime.createSession(doubling(), {
      graphOptimization,
      memoryPattern: false,
      arena: false,
      configEntries: { 'session.disable_prepacking': '1' },
    });
    const y = vector(runtime, 0, 0, 0, 0);
    session.createBinding({ x: vector(runtime, 1, 2, 3, 4) }, { y }).run();
    expect([...y.data]).toEqual([2, 4, 6, 8]);
    session.dispose();
  });

  it('record a Chrome trace', () => {
    const session = runtime.createSession(doubling(), { profile: path.join(folder, `trace-${prefer}`) });
    session.createBinding({ x: vector(runtime, 1, 2, 3, 4) }, { y: vector(runtime, 0, 0, 0, 0) }).run();
    const file = session.endProfiling();
    expect(existsSync(file), file).toBe(true);
    const events = JSON.parse(readFileSync(file, 'utf8')) as { cat: string; args?: { op_name?: string } }[];
    expect(events.some((event) => event.cat === 'Node' && event.args?.op_name === 'Add')).toBe(true);
    session.dispose();
    const silent = runtime.createSession(doubling());
    expectError(
      () => silent.endProfiling(),
      'E_SESSION_OPTION',
      /records no profile; create it with the option 'profile'/,
    );
    silent.dispose();
  });

  it('refuse options that are none', () => {
    const bad =
      (options: object): (() => unknown) =>
      () =>
        runtime.createSession(doubling(), options);
    for (const threads of [0, -1, 1.5, 4096, '2'])
      expectError(bad({ threads }), 'E_SESSION_OPTION', /threads must be a whole number from 1 to 1024/);
    expectError(bad({ provider: 'tpu' }), 'E_SESSION_OPTION', /unknown provider 'tpu'; use one of cpu, webgpu, cuda/);
    expectError(
      bad({ graphOptimization: 'most' }),
      'E_SESSION_OPTION',
      /unknown graphOptimization 'most'; use one of disabled/,
    );
    expectError(bad({ profile: '/nowhere/trace' }), 'E_SESSION_OPTION', /no profile can be written to \/nowhere/);
  });

  it('refuse what is no model', () => {
    const session =
      (model: unknown): (() => unknown) =>
      () =>
        runtime.createSession(model as Uint8Array);
    const seeded = Uint8Array.from({ length: 5000 }, (_, index) => (index * 2654435761) >>> 24);
    expectError(
      session(Uint8Array.of(1, 2, 3, 4, 5)),
      'E_MODEL_INVALID',
      /protobuf parsing failed; pass the bytes of an ONNX model/,
    );
    expectError(session(seeded), 'E_MODEL_INVALID', /protobuf/);
    expectError(session(doubling().subarray(0, 40)), 'E_MODEL_INVALID', /protobuf/);
    expectError(session(new Uint8Array(0)), 'E_MODEL_INVALID', /expected the bytes of an ONNX model or its path/);
    expectError(session(null), 'E_MODEL_INVALID', /expected the bytes/);
    expectError(session('/nowhere/model.onnx'), 'E_MODEL_FILE', /there is no file at '\/nowhere\/model\.onnx'/);
    expectError(session(folder), 'E_MODEL_FILE', /there is no file at/);
    expectError(session(''), 'E_MODEL_FILE', /there is no file at ''/);
    const unknown = makeModel({
      nodes: [{ opType: 'NoSuchOperator', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', dims: [1] }],
      outputs: [{ name: 'y', dims: [1] }],
    });
    expectError(session(unknown), 'E_MODEL_INVALID', /NoSuchOperator.*; correct the graph/);
    const text = path.join(folder, 'text.onnx');
    writeFileSync(text, 'no model');
    expectError(session(text), 'E_MODEL_INVALID', /protobuf/i);
  });

  it('cannot be used once disposed of', () => {
    const session = runtime.createSession(doubling());
    const y = vector(runtime, 0, 0, 0, 0);
    const binding = session.createBinding({ x: vector(runtime, 1, 2, 3, 4) }, { y });
    session.dispose();
    session.dispose();
    expect(session.disposed).toBe(true);
    expect(binding.disposed).toBe(true);
    expectError(() => session.createBinding(), 'E_DISPOSED', /the session was disposed of; make a new session/);
    expectError(() => session.endProfiling(), 'E_DISPOSED', /the session was disposed of/);
    expectError(() => binding.run(), 'E_DISPOSED', /the binding or its session was disposed of/);
    expectError(() => binding.setOutput('y', y), 'E_DISPOSED', /the binding or its session was disposed of/);
    binding.dispose();
  });

  it('say which provider cannot be had, and why', () => {
    // Where there is a GPU the session is simply made.
    for (const provider of ['webgpu', 'cuda'] as const) {
      try {
        runtime.createSession(doubling(), { provider }).dispose();
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/^E_PROVIDER$/);
        expect(String(error)).toMatch(/use provider 'cpu'/);
      }
    }
  });
});

describe('initializers handed over', () => {
  const runtime = loadRuntime({ prefer: 'c-api' });
  const compute = (w: Value): number[] => {
    const session = runtime.createSession(weighted, { initializers: { w } });
    const z = vector(runtime, 0, 0);
    session.createBinding({ x: vector(runtime, 1, 1) }, { z }).run();
    session.dispose();
    return [...(z.data as Float32Array)];
  };

  it('replace what the model holds, also by path', () => {
    expect(compute(vector(runtime, 5, 6))).toEqual([5, 6]);
    const file = path.join(folder, 'weighted.onnx');
    writeFileSync(file, weighted);
    const session = runtime.createSession(file, { initializers: { w: vector(runtime, 3, 4) } });
    const z = vector(runtime, 0, 0);
    session.createBinding({ x: vector(runtime, 1, 1) }, { z }).run();
    expect([...z.data]).toEqual([3, 4]);
    session.dispose();
  });

  it('share memory with the session', () => {
    const w = vector(runtime, 5, 6);
    const session = runtime.createSession(weighted, { initializers: { w }, graphOptimization: 'disabled' });
    const z = vector(runtime, 0, 0);
    const binding = session.createBinding({ x: vector(runtime, 1, 1) }, { z });
    w.data[0] = 50;
    binding.run();
    expect([...z.data]).toEqual([50, 6]);
    structuredClone(w.data.buffer, { transfer: [w.data.buffer as ArrayBuffer] });
    expectError(() => binding.run(), 'E_VALUE_BUFFER', /the memory of initializer 'w' was transferred away/);
    session.dispose();
  });

  it('must be what the model declares: ONNX Runtime would read their memory as that', () => {
    expectError(
      () => runtime.createSession(weighted, { initializers: { v: vector(runtime, 1, 2) } }),
      'E_NAME',
      /no initializer 'v'; declare it; it has 1: w/,
    );
    expectError(() => compute(vector(runtime, 1, 2, 3)), 'E_VALUE_DIMS', /initializer 'w' is \[2\], found \[3\]/);
    const halves = runtime.createValue(new Uint16Array(2), [2], 'float16');
    expectError(() => compute(halves), 'E_VALUE_TYPE', /initializer 'w' is float32, found float16/);
    const gone = vector(runtime, 1, 2);
    gone.dispose();
    expectError(() => compute(gone), 'E_DISPOSED', /initializer 'w' was disposed of/);
    expectError(
      () => compute(vector(loadRuntime({ prefer: 'onnxruntime-node' }), 1, 2)),
      'E_VALUE_FOREIGN',
      /initializer 'w' is no value of this runtime/,
    );
  });

  it('need the C API', () => {
    const fallback = loadRuntime({ prefer: 'onnxruntime-node' });
    expectError(
      () => fallback.createSession(weighted, { initializers: { w: vector(fallback, 1, 2) } }),
      'E_NOT_IMPLEMENTED',
      /takes neither initializers/,
    );
  });
});

it('libraries of operators must be libraries of operators', () => {
  const runtime = loadRuntime({ prefer: 'c-api' });
  expectError(
    () => runtime.createSession(doubling(), { operatorLibraries: ['/nowhere/operators.so'] }),
    'E_RUNTIME_FAILED',
    /operators\.so/,
  );
});
