import type { onnx as Onnx } from 'onnx-proto';
import { nodeRequire } from '../runtime/library';
import { elementCodes } from './elementCodes';
import type { FinishedGraph } from './finishGraph';
import type { Attribute, GraphNode, GraphTensor } from './types';

/** IR version 10 and operator set 21: understood by every ONNX Runtime since 1.18. */
const irVersion = 10;
const operatorSet = 21;

/** Writes a graph as the bytes of an ONNX model. */
export function encodeModel(graph: FinishedGraph, name: string): Uint8Array {
  const { onnx } = nodeRequire()('onnx-proto') as { onnx: typeof Onnx };
  const model = {
    irVersion,
    producerName: 'tesserae',
    opsetImport: [
      { domain: '', version: operatorSet },
      ...[...new Set(['com.microsoft', ...graph.nodes.map(({ domain }) => domain)])]
        .filter(Boolean)
        .map((domain) => ({ domain, version: 1 })),
    ],
    graph: {
      name,
      node: graph.nodes.map(nodeProto),
      initializer: graph.constants.map(({ tensor, bytes }) => ({
        name: tensor.name,
        dims: tensor.shape as number[],
        dataType: elementCodes[tensor.dtype],
        rawData: bytes,
      })),
      input: [...graph.inputs.filter(({ used }) => used), ...graph.captured.map(({ tensor }) => tensor)].map(
        valueProto,
      ),
      output: graph.outputs.map(valueProto),
    },
  };
  return onnx.ModelProto.encode(model as Onnx.IModelProto).finish();
}

function valueProto({ name, shape, dtype }: GraphTensor): Onnx.IValueInfoProto {
  const dim = shape.map((size) => ({ dimValue: size }));
  return { name, type: { tensorType: { elemType: elementCodes[dtype], shape: { dim } } } };
}

function nodeProto(node: GraphNode): Onnx.INodeProto {
  return {
    opType: node.opType,
    domain: node.domain,
    input: node.inputs as string[],
    output: node.outputs as string[],
    attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value)),
  };
}

const kinds = { float: 1, int: 2, string: 3, floats: 6, ints: 7 };

function attributeProto(name: string, value: Attribute): Onnx.IAttributeProto {
  if (typeof value === 'number')
    return Number.isInteger(value) ? { name, type: kinds.int, i: value } : { name, type: kinds.float, f: value };
  if (typeof value === 'string') return { name, type: kinds.string, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: kinds.float, f: value.float };
  if ('floats' in value) return { name, type: kinds.floats, floats: value.floats as number[] };
  return { name, type: kinds.ints, ints: value as number[] };
}
