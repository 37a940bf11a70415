import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { LlamaConfig } from '@tesserae/core';
import { onnx } from 'onnx-proto';
import { transposed } from './flatten';
import type { PlainWeight, PlainWeights } from './flatten';

const float32 = 1;
const int64 = 7;
const dataFile = 'model.onnx_data';

/** The graph as Transformers.js's exporters write it at their best: grouped query attention, logits of the last position. */
class OnnxGraph {
  readonly nodes: object[] = [];
  readonly initializers: object[] = [];
  readonly inputs: object[] = [];
  readonly outputs: object[] = [];
  #count = 0;

  constructor(readonly append: (values: Float32Array) => { offset: number; length: number }) {}

  weight({ shape, values }: PlainWeight): string {
    const name = `w${this.#count++}`;
    const { offset, length } = this.append(values);
    const externalData = Object.entries({ location: dataFile, offset, length });
    this.initializers.push({
      name,
      dims: shape,
      dataType: float32,
      dataLocation: 1, // external
      externalData: externalData.map(([key, value]) => ({ key, value: String(value) })),
    });
    return name;
  }
  whole(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const name = `c${this.#count++}`;
    this.initializers.push({
      name,
      dims,
      dataType: int64,
      rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    });
    return name;
  }
  op(opType: string, input: string[], attributes: Record<string, number> = {}, domain = '', outputs = 1): string[] {
    const output = Array.from({ length: outputs }, () => `t${this.#count++}`);
    const attribute = Object.entries(attributes).map(([name, value]) =>
      name === 'epsilon' ? { name, type: 1, f: value } : { name, type: 2, i: value },
    );
    this.nodes.push({ opType, input, output, domain, attribute });
    return output;
  }
  one(opType: string, input: string[], attributes: Record<string, number> = {}): string {
    return this.op(opType, input, attributes)[0];
  }
  input(name: string, elemType: number, dims: (string | number)[]): string {
    this.inputs.push(port(name, elemType, dims));
    return name;
  }
  result(value: string, name: string, dims: (string | number)[]): void {
    this.nodes.push({ opType: 'Identity', input: [value], output: [name] });
    this.outputs.push(port(name, float32, dims));
  }
}

const port = (name: string, elemType: number, dims: (string | number)[]): object => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: dims.map((dim) => (typeof dim === 'string' ? { dimParam: dim } : { dimValue: dim })) },
    },
  },
});

/** Cosines and sines of all positions, [S, E/2]. */
function angles(
  { maxPositionEmbeddings: positions, headDim }: LlamaConfig,
  fn: (angle: number) => number,
): PlainWeight {
  const half = headDim / 2;
  const values = Float32Array.from({ length: positions * half }, (_, i) =>
    fn(Math.floor(i / half) / 10000 ** ((2 * (i % half)) / headDim)),
  );
  return { shape: [positions, half], values };
}

function build(graph: OnnxGraph, config: LlamaConfig, weights: PlainWeights): void {
  const get = (name: string): PlainWeight => weights.get(`${name}.weight`)!;
  const linear = (x: string, name: string): string => graph.one('MatMul', [x, graph.weight(transposed(get(name)))]);
  const norm = (x: string, name: string): string =>
    graph.one('SimplifiedLayerNormalization', [x, graph.weight(get(name))], {
      axis: -1,
      epsilon: config.rmsNormEpsilon,
    });
  const [heads, keyHeads] = [config.numAttentionHeads, config.numKeyValueHeads];
  const ids = graph.input('input_ids', int64, ['batch_size', 'sequence_length']);
  const mask = graph.input('attention_mask', int64, ['batch_size', 'total_sequence_length']);
  const keep = graph.input('num_logits_to_keep', int64, []);
  const counted = graph.one('ReduceSum', [mask, graph.whole([1])], { keepdims: 0 });
  const last = graph.one('Cast', [graph.one('Sub', [counted, graph.whole([1])])], { to: 6 });
  const length = graph.one('Gather', [graph.one('Shape', [mask]), graph.whole([1], [])], { axis: 0 });
  const total = graph.one('Cast', [length], { to: 6 });
  const [cos, sin] = [Math.cos, Math.sin].map((fn) => graph.weight(angles(config, fn)));
  let x = graph.one('Gather', [graph.weight(get('tokenEmbedding')), ids]);
  const cache = (name: string): (string | number)[] => ['batch_size', keyHeads, name, config.headDim];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const at = `layers.${layer}`;
    const past = ['key', 'value'].map((kind) =>
      graph.input(`past_key_values.${layer}.${kind}`, float32, cache('past_sequence_length')),
    );
    const normed = norm(x, `${at}.attentionNorm`);
    const qkv = ['query', 'key', 'value'].map((kind) => linear(normed, `${at}.attention.${kind}`));
    const facts = { num_heads: heads, kv_num_heads: keyHeads, do_rotary: 1 };
    const operands = [...qkv, ...past, last, total, cos, sin];
    const [mixed, key, value] = graph.op('GroupQueryAttention', operands, facts, 'com.microsoft', 3);
    graph.result(key, `present.${layer}.key`, cache('total_sequence_length'));
    graph.result(value, `present.${layer}.value`, cache('total_sequence_length'));
    x = graph.one('Add', [x, linear(mixed, `${at}.attention.output`)]);
    const again = norm(x, `${at}.feedForwardNorm`);
    const gate = linear(again, `${at}.feedForward.gate`);
    const opened = graph.one('Mul', [gate, graph.one('Sigmoid', [gate])]);
    const hidden = graph.one('Mul', [opened, linear(again, `${at}.feedForward.up`)]);
    x = graph.one('Add', [x, linear(hidden, `${at}.feedForward.down`)]);
  }
  const start = graph.one('Unsqueeze', [graph.one('Neg', [keep]), graph.whole([0])]);
  const end = graph.whole([Number.MAX_SAFE_INTEGER]);
  const kept = graph.one('Slice', [norm(x, 'finalNorm'), start, end, graph.whole([1])]);
  graph.result(linear(kept, 'tokenEmbedding'), 'logits', ['batch_size', 'num_logits', config.vocabSize]);
}

/** Writes the folder that Transformers.js loads: config.json, onnx/model.onnx and its weights beside it. */
export function writeOnnxFolder(folder: string, config: LlamaConfig, weights: PlainWeights): void {
  const data = openSync(path.join(folder, 'onnx', dataFile), 'w');
  let offset = 0;
  const graph = new OnnxGraph((values) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const at = offset;
    for (let done = 0; done < bytes.length;) done += writeSync(data, bytes, done);
    offset += bytes.length;
    return { offset: at, length: bytes.length };
  });
  build(graph, config, weights);
  closeSync(data);
  const { nodes: node, initializers: initializer, inputs: input, outputs: output } = graph;
  const model = {
    irVersion: 10,
    opsetImport: [
      { domain: '', version: 21 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: { name: 'llama', node, initializer, input, output },
  };
  const bytes = onnx.ModelProto.encode(model as onnx.IModelProto).finish();
  writeFileSync(path.join(folder, 'onnx', 'model.onnx'), bytes);
  const facts = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    max_position_embeddings: config.maxPositionEmbeddings,
    eos_token_id: 2,
    bos_token_id: 1,
    pad_token_id: 0,
  };
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(facts));
}
