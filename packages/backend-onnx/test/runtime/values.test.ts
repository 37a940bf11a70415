import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../src/runtime';
import type { ElementType, TypedArray } from '../../src/runtime';
import { expectError } from './expectError';
import { doubling, makeModel } from './models';
import type { ModelType } from './models';

describe.each(['c-api', 'onnxruntime-node'] as const)('values of %s', (prefer) => {
  const runtime = loadRuntime({ prefer });
  const floats = (...data: number[]): Float32Array => Float32Array.from(data);

  it.each<[ElementType, TypedArray]>([
    ['float32', Float32Array.of(1, 2)],
    ['float64', Float64Array.of(1, 2)],
    ['int8', Int8Array.of(1, 2)],
    ['uint8', Uint8Array.of(1, 2)],
    ['bool', Uint8Array.of(1, 0)],
    ['int16', Int16Array.of(1, 2)],
    ['uint16', Uint16Array.of(1, 2)],
    ['float16', Uint16Array.of(0x3c00, 0x4000)],
    ['int32', Int32Array.of(1, 2)],
    ['uint32', Uint32Array.of(1, 2)],
    ['int64', BigInt64Array.of(1n, 2n)],
    ['uint64', BigUint64Array.of(1n, 2n)],
  ])('make a tensor of %s', (type, data) => {
    const value = runtime.createValue(data, [1, 2], type);
    expect(value).toMatchObject({ dims: [1, 2], type, disposed: false });
    expect(value.data).toBe(data);
    value.dispose();
    value.dispose();
    expect(value.disposed).toBe(true);
  });

  it.each<[ModelType, TypedArray, TypedArray, unknown[]]>([
    ['float32', Float32Array.of(1.5, -2), new Float32Array(2), [1.5, -2]],
    ['float64', Float64Array.of(1.5, -2), new Float64Array(2), [1.5, -2]],
    ['int32', Int32Array.of(7, -2), new Int32Array(2), [7, -2]],
    ['int64', BigInt64Array.of(7n, -(2n ** 60n)), new BigInt64Array(2), [7n, -(2n ** 60n)]],
    ['bool', Uint8Array.of(1, 0), new Uint8Array(2).fill(9), [1, 0]],
    ['uint8', Uint8Array.of(255, 0), new Uint8Array(2), [255, 0]],
    ['float16', Uint16Array.of(0x3c00, 0xc000), new Uint16Array(2), [0x3c00, 0xc000]],
  ])('carry %s through a run bit for bit', (type, data, room, expected) => {
    const session = runtime.createSession(
      makeModel({
        nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'] }],
        inputs: [{ name: 'x', dims: [2], type }],
        outputs: [{ name: 'y', dims: [2], type }],
      }),
    );
    expect(session.inputs).toEqual([{ name: 'x', type, dims: [2] }]);
    session
      .createBinding({ x: runtime.createValue(data, [2], type) }, { y: runtime.createValue(room, [2], type) })
      .run();
    expect([...room]).toEqual(expected);
    session.dispose();
  });

  it('may be scalars, empty, parts of a buffer and shared memory', () => {
    const run = (dims: (number | string)[], x: Float32Array, y: Float32Array, shape: number[]): number[] => {
      const session = runtime.createSession(doubling(dims));
      session
        .createBinding({ x: runtime.createValue(x, shape, 'float32') }, { y: runtime.createValue(y, shape, 'float32') })
        .run();
      session.dispose();
      return [...y];
    };
    expect(run([], floats(4), floats(0), [])).toEqual([8]);
    expect(run(['n', 3], floats(), floats(), [0, 3])).toEqual([]);
    const whole = floats(1, 2, 3, 4, 5, 6);
    run([2], whole.subarray(1, 3), whole.subarray(4, 6), [2]);
    expect([...whole]).toEqual([1, 2, 3, 4, 4, 6]);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([3, 4]);
    expect(run([2], shared, floats(0, 0), [2])).toEqual([6, 8]);
  });

  it('refuse the wrong array, type, dims, length and buffer', () => {
    expectError(
      () => runtime.createValue(new Float32Array(2), [2], 'int32'),
      'E_VALUE_TYPE',
      /int32 lives in a Int32Array, found Float32Array; pass a Int32Array/,
    );
    expectError(
      () => runtime.createValue([1, 2] as unknown as Float32Array, [2], 'float32'),
      'E_VALUE_TYPE',
      /found object/,
    );
    expectError(
      () => runtime.createValue(null as unknown as Float32Array, [2], 'float32'),
      'E_VALUE_TYPE',
      /Float32Array/,
    );
    expectError(
      () => runtime.createValue(new Float32Array(2), [2], 'float' as 'float32'),
      'E_VALUE_TYPE',
      /unknown element type 'float'; use one of float32/,
    );
    expectError(
      () => runtime.createValue(new Float32Array(2), [2], 'toString' as 'float32'),
      'E_VALUE_TYPE',
      /unknown element type/,
    );
    for (const dims of [[-2], [1.5], [NaN], [2 ** 53, 2 ** 53], ['2'], null, undefined, 2]) {
      expectError(
        () => runtime.createValue(new Float32Array(2), dims as number[], 'float32'),
        'E_VALUE_DIMS',
        /dims must be an array of whole numbers/,
      );
    }
    expectError(
      () => runtime.createValue(new Float32Array(5), [2, 3], 'float32'),
      'E_VALUE_SIZE',
      /dims \[2,3\] need 6 elements, the Float32Array has 5/,
    );
    expectError(
      () => runtime.createValue(new Float32Array(7), [2, 3], 'float32'),
      'E_VALUE_SIZE',
      /need 6 elements, the Float32Array has 7/,
    );
    const resizable = new (ArrayBuffer as unknown as new (n: number, o: object) => ArrayBuffer)(8, {
      maxByteLength: 16,
    });
    expectError(
      () => runtime.createValue(new Float32Array(resizable), [2], 'float32'),
      'E_VALUE_BUFFER',
      /must stay where it is, found a resizable buffer/,
    );
    const gone = new Float32Array(2);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expectError(() => runtime.createValue(gone, [2], 'float32'), 'E_VALUE_SIZE', /has 0/);
  });

  it('belong to the runtime that made them', () => {
    const other = loadRuntime({ prefer: prefer === 'c-api' ? 'onnxruntime-node' : 'c-api' });
    const session = runtime.createSession(doubling());
    const foreign = other.createValue(new Float32Array(4), [4], 'float32');
    expectError(
      () => session.createBinding({ x: foreign }),
      'E_VALUE_FOREIGN',
      /input 'x' is no value of this runtime/,
    );
    expectError(
      () => session.createBinding({ x: new Float32Array(4) as never }),
      'E_VALUE_FOREIGN',
      /input 'x' is no value/,
    );
    expectError(() => session.createBinding({ x: undefined as never }), 'E_VALUE_FOREIGN', /input 'x' is no value/);
    session.dispose();
  });
});

it('values have at most 64 dims, which is more than anyone uses', () => {
  const runtime = loadRuntime({ prefer: 'c-api' });
  runtime.createValue(new Float32Array(1), Array<number>(64).fill(1), 'float32').dispose();
  expectError(
    () => runtime.createValue(new Float32Array(1), Array<number>(65).fill(1), 'float32'),
    'E_VALUE_DIMS',
    /at most 64 dims, found 65/,
  );
});

it('bfloat16 goes through the C API', () => {
  const data = Uint16Array.of(0x3f80);
  loadRuntime({ prefer: 'c-api' }).createValue(data, [1], 'bfloat16').dispose();
  expectError(
    () => loadRuntime({ prefer: 'onnxruntime-node' }).createValue(data, [1], 'bfloat16'),
    'E_NOT_IMPLEMENTED',
    /no bfloat16/,
  );
});
