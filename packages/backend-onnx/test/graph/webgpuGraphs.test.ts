import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/graph/encodeModel';
import { finishGraph } from '../../src/graph/finishGraph';
import { GraphBuilder } from '../../src/graph/graphBuilder';
import { sizeOf } from '../../src/graph/shape';
import type { GraphNode, GraphTensor } from '../../src/graph/types';
import { product } from '../../src/lowering/matmul';
import type { ProductOptions } from '../../src/lowering/matmul';
import { softmaxLowerings } from '../../src/lowering/softmax';
import { loadRuntime } from '../../src/index';

type Build = (graph: GraphBuilder, inputs: GraphTensor[]) => GraphTensor;

/** Numbers from -1 to 1 that float16 does not hold. */
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(7 * i + 1));

/** What a graph for some provider consists of, and what it computes on the CPU. */
function run(graph: GraphBuilder, shapes: readonly number[][], build: Build): { nodes: string[]; values: number[] } {
  const tensors = shapes.map((shape) => graph.input(shape, 'float32'));
  const finished = finishGraph(graph, [build(graph, tensors)]);
  const runtime = loadRuntime();
  const session = runtime.createSession(encodeModel(finished, 'test'));
  const [output] = finished.outputs;
  const given = shapes.map((shape) => runtime.createValue(numbers(sizeOf(shape)), shape, 'float32'));
  const made = runtime.createValue(new Float32Array(sizeOf(output.shape)), output.shape, 'float32');
  const inputs = Object.fromEntries(finished.inputs.map(({ name }, i) => [name, given[i]]));
  const binding = session.createBinding(inputs, { [output.name]: made });
  binding.run();
  binding.dispose();
  session.dispose();
  for (const value of [...given, made]) value.dispose();
  const described = ({ opType, domain, attributes }: GraphNode): string =>
    `${domain}${opType}${opType === 'Cast' ? String(attributes.to) : ''}`;
  return { nodes: finished.nodes.map(described), values: Array.from(made.data as Float32Array) };
}

const cases: [string, number[][], ProductOptions][] = [
  ['a matrix times one', [[3, 4], [4, 5]], {}],
  ['both transposed, and a factor', [[4, 3], [5, 4]], { transposeA: true, transposeB: true, alpha: 0.5 }],
  ['stacks, the second transposed', [[2, 3, 4], [2, 5, 4]], { transposeB: true }],
  ['stacks, the first transposed, and a factor', [[2, 4, 3], [1, 4, 5]], { transposeA: true, alpha: 3 }],
]; // prettier-ignore

describe('graphs for WebGPU', () => {
  it.each(cases)('multiply with what it has: %s', (_name, shapes, options) => {
    const build: Build = (graph, [a, b]) => product(graph, a, b, options);
    const expected = run(new GraphBuilder(), shapes, build);
    const found = run(new GraphBuilder(false, 'webgpu'), shapes, build);
    expect(found.nodes.filter((name) => name.includes('FusedMatMul'))).toEqual([]);
    found.values.forEach((value, i) => expect(value).toBeCloseTo(expected.values[i], 5));
  });

  it.each([-1, 0, 1])('take the logarithm of a softmax over axis %i in parts', (axis) => {
    const lowering = softmaxLowerings.find(({ kernelName }) => kernelName === 'LogSoftmax')!;
    const build: Build = (graph, [x]) =>
      lowering.lower(graph, [graph.op('Mul', [x, graph.scalar(90, 'float32')])], { axis })[0];
    const expected = run(new GraphBuilder(), [[3, 5]], build);
    const found = run(new GraphBuilder(false, 'webgpu'), [[3, 5]], build);
    expect(expected.nodes).toContain('LogSoftmax');
    expect(found.nodes).not.toContain('LogSoftmax');
    found.values.forEach((value, i) => expect(value).toBeCloseTo(expected.values[i], 4));
  });
});

describe('products of float16', () => {
  const rounded = (graph: GraphBuilder, x: GraphTensor): GraphTensor =>
    graph.op('Cast', [graph.op('Cast', [x], { to: 10 }, { dtype: 'float16' })], { to: 1 }, { dtype: 'float32' });
  const transposed = (graph: GraphBuilder, x: GraphTensor): GraphTensor =>
    graph.op('Transpose', [x], { perm: [1, 0] }, { shape: [...x.shape].reverse() });
  const halves = (graph: GraphBuilder, x: GraphTensor): GraphTensor[] =>
    graph.ops('Split', [x], { axis: 0, num_outputs: 2 }, [
      { shape: [3, 4], dtype: 'float32' },
      { shape: [3, 4], dtype: 'float32' },
    ]);
  const build: Build = (graph, [x, w]) => {
    const [first, second] = halves(graph, rounded(graph, x)).map((part) => transposed(graph, part)); // [4,3] each
    return graph.op('Add', [product(graph, rounded(graph, w), first), product(graph, rounded(graph, w), second)]);
  };
  const shapes = [[6, 4], [5, 4]]; // prettier-ignore

  it('are computed in it where the device can, and what moves their numbers moves half of the bytes', () => {
    const expected = run(new GraphBuilder(false, 'webgpu'), shapes, build);
    const found = run(new GraphBuilder(false, 'webgpu', true), shapes, build);
    expect(expected.nodes.filter((name) => name.startsWith('Cast'))).toEqual(['Cast10', 'Cast1', 'Cast10', 'Cast1']);
    expect(found.nodes.sort()).toEqual(
      ['Cast10', 'Cast10', 'Split', 'Transpose', 'Transpose', 'Gemm', 'Gemm', 'Cast1', 'Cast1', 'Add'].sort(),
    );
    // a result of float16 is off by half a unit in its last place at most
    found.values.forEach((value, i) => expect(Math.abs(value - expected.values[i])).toBeLessThan(4e-3));
    expect(found.values).not.toEqual(expected.values);
  });

  it('stay float32 where one factor was not rounded', () => {
    const mixed: Build = (graph, [x, w]) => product(graph, w, transposed(graph, rounded(graph, x)));
    const found = run(new GraphBuilder(false, 'webgpu', true), shapes, mixed);
    expect(found).toEqual(run(new GraphBuilder(false, 'webgpu'), shapes, mixed));
  });
});
