import { onnx } from 'onnx-proto';

/** A graph input or output: its dims, where a name stands for a size that may vary. */
export type Dims = readonly (number | string)[];

/** ONNX element types by name. */
const codes = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11, float16: 10, uint8: 2 } as const;
export type ModelType = keyof typeof codes;

interface PortSpec {
  name: string;
  dims: Dims;
  type?: ModelType;
}

interface NodeSpec {
  opType: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, number | number[]>;
  domain?: string;
}

interface ModelSpec {
  nodes: NodeSpec[];
  inputs: PortSpec[];
  outputs: PortSpec[];
  initializers?: { name: string; dims: number[]; data: Float32Array }[];
}

const port = ({ name, dims, type = 'float32' }: PortSpec): onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: codes[type],
      shape: { dim: dims.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size })) },
    },
  },
});

/** The bytes of a small ONNX model. */
export function makeModel({ nodes, inputs, outputs, initializers = [] }: ModelSpec): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'graph',
      node: nodes.map(({ opType, inputs: input, outputs: output, attributes = {}, domain = '' }) => ({
        opType,
        input,
        output,
        domain,
        attribute: Object.entries(attributes).map(([name, value]) =>
          Array.isArray(value)
            ? { name, type: onnx.AttributeProto.AttributeType.INTS, ints: value }
            : { name, type: onnx.AttributeProto.AttributeType.INT, i: value },
        ),
      })),
      input: inputs.map(port),
      output: outputs.map(port),
      initializer: initializers.map(({ name, dims, data }) => ({
        name,
        dims,
        dataType: 1,
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    },
  }).finish();
}

/** y = x + x, one node. */
export const doubling = (dims: Dims = [4]): Uint8Array =>
  makeModel({
    nodes: [{ opType: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
    inputs: [{ name: 'x', dims }],
    outputs: [{ name: 'y', dims }],
  });

/** `count` products of x [n,n] with itself, one after the other: slow enough to be stopped between two of them. */
export const longProducts = (n: number, count: number): Uint8Array =>
  makeModel({
    nodes: Array.from({ length: count }, (_, index) => ({
      opType: 'MatMul',
      inputs: [index === 0 ? 'x' : `h${index}`, 'w'],
      outputs: [index === count - 1 ? 'y' : `h${index + 1}`],
    })),
    inputs: [
      { name: 'x', dims: [n, n] },
      { name: 'w', dims: [n, n] },
    ],
    outputs: [{ name: 'y', dims: [n, n] }],
  });

/** Copies x to `count` outputs. */
export const copies = (length: number, count: number): Uint8Array =>
  makeModel({
    nodes: Array.from({ length: count }, (_, index) => ({ opType: 'Neg', inputs: ['x'], outputs: [`y${index}`] })),
    inputs: [{ name: 'x', dims: [length] }],
    outputs: Array.from({ length: count }, (_, index) => ({ name: `y${index}`, dims: [length] })),
  });
