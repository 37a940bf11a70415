import { closeSync, openSync, writeSync } from 'node:fs';
import type { LlamaConfig } from '@tesserae/core';
import type { PlainWeight, PlainWeights } from './flatten';

const alignment = 32;
const types = { uint32: 4, int32: 5, float32: 6, string: 8, array: 9 } as const;

/** A writer of the few value types that the header needs; see the GGUF specification of ggml, version 3. */
class Header {
  readonly #parts: Buffer[] = [];
  uint32(value: number): this {
    this.#parts.push(Buffer.alloc(4));
    this.#parts.at(-1)!.writeUInt32LE(value);
    return this;
  }
  uint64(value: number): this {
    this.#parts.push(Buffer.alloc(8));
    this.#parts.at(-1)!.writeBigUInt64LE(BigInt(value));
    return this;
  }
  float32(value: number): this {
    this.#parts.push(Buffer.alloc(4));
    this.#parts.at(-1)!.writeFloatLE(value);
    return this;
  }
  string(value: string): this {
    const bytes = Buffer.from(value);
    this.uint64(bytes.length);
    this.#parts.push(bytes);
    return this;
  }
  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** llama.cpp turns neighbours (2i, 2i + 1) where Hugging Face turns (i, i + E/2): rows of each head change places. */
function interleaved({ shape, values }: PlainWeight, heads: number): PlainWeight {
  const [rows, columns] = shape;
  const half = rows / heads / 2;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / (2 * half));
    const [side, pair] = [Math.floor((row % (2 * half)) / half), row % half];
    const to = head * 2 * half + 2 * pair + side;
    out.set(values.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return { shape, values: out };
}

/** The tensors under llama.cpp's names. */
function tensorsOf(config: LlamaConfig, weights: PlainWeights): [string, PlainWeight][] {
  const get = (path: string): PlainWeight => weights.get(`${path}.weight`)!;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i): [string, PlainWeight][] => {
    const at = `layers.${i}`;
    return [
      ['attn_norm', get(`${at}.attentionNorm`)],
      ['attn_q', interleaved(get(`${at}.attention.query`), config.numAttentionHeads)],
      ['attn_k', interleaved(get(`${at}.attention.key`), config.numKeyValueHeads)],
      ['attn_v', get(`${at}.attention.value`)],
      ['attn_output', get(`${at}.attention.output`)],
      ['ffn_norm', get(`${at}.feedForwardNorm`)],
      ['ffn_gate', get(`${at}.feedForward.gate`)],
      ['ffn_up', get(`${at}.feedForward.up`)],
      ['ffn_down', get(`${at}.feedForward.down`)],
    ].map(([name, weight]): [string, PlainWeight] => [`blk.${i}.${name as string}.weight`, weight as PlainWeight]);
  });
  return [['token_embd.weight', get('tokenEmbedding')], ...layers.flat(), ['output_norm.weight', get('finalNorm')]]; // no output matrix: the embedding serves again
}

function metadata(header: Header, config: LlamaConfig): void {
  const number = (key: string, value: number): Header => header.string(key).uint32(types.uint32).uint32(value);
  const text = (key: string, value: string): Header => header.string(key).uint32(types.string).string(value);
  text('general.architecture', 'llama');
  number('llama.context_length', config.maxPositionEmbeddings);
  number('llama.embedding_length', config.hiddenSize);
  number('llama.block_count', config.numHiddenLayers);
  number('llama.feed_forward_length', config.intermediateSize);
  number('llama.attention.head_count', config.numAttentionHeads);
  number('llama.attention.head_count_kv', config.numKeyValueHeads);
  number('llama.rope.dimension_count', config.headDim);
  header.string('llama.attention.layer_norm_rms_epsilon').uint32(types.float32).float32(config.rmsNormEpsilon);
  header.string('llama.rope.freq_base').uint32(types.float32).float32(10000);
  number('llama.vocab_size', config.vocabSize);
  text('tokenizer.ggml.model', 'llama');
  const tokens = Array.from({ length: config.vocabSize }, (_, id) =>
    id < 3
      ? ['<unk>', '<s>', '</s>'][id]
      : id < 259
        ? `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>`
        : `t${id}`,
  );
  const list = (key: string, type: number): Header =>
    header.string(key).uint32(types.array).uint32(type).uint64(tokens.length);
  list('tokenizer.ggml.tokens', types.string);
  for (const token of tokens) header.string(token);
  list('tokenizer.ggml.scores', types.float32);
  tokens.forEach((_, id) => header.float32(-id));
  list('tokenizer.ggml.token_type', types.int32);
  tokens.forEach((_, id) => header.uint32(id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)); // unknown, control, byte, normal
}
const metadataEntries = 15;

/** Writes a Llama model in float32 as llama.cpp reads it. */
export function writeGguf(file: string, config: LlamaConfig, weights: PlainWeights): void {
  const tensors = tensorsOf(config, weights);
  const header = new Header().uint32(0x46554747).uint32(3).uint64(tensors.length).uint64(metadataEntries); // 'GGUF'
  metadata(header, config);
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    header.string(name).uint32(shape.length);
    for (const size of [...shape].reverse()) header.uint64(size);
    header.uint32(0).uint64(offset); // float32
    offset += Math.ceil(values.byteLength / alignment) * alignment;
  }
  const bytes = header.bytes();
  const target = openSync(file, 'w');
  const write = (data: Uint8Array): void => {
    for (let at = 0; at < data.length;) at += writeSync(target, data, at);
    writeSync(target, Buffer.alloc((alignment - (data.length % alignment)) % alignment));
  };
  write(bytes);
  for (const [, { values }] of tensors) write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  closeSync(target);
}
