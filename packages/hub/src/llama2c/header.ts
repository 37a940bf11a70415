import { llama } from '@tesserae/core';
import type { LlamaConfig } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** "ak42", the first four bytes of versions 1 and 2 (of a little-endian number, so the file begins with "24ka"). */
export const MAGIC = 0x616b3432;
/** Bytes of the header of versions 1 and 2. */
export const LONG_HEADER_BYTES = 256;
/** Bytes of the header of version 0: seven int32. */
export const SHORT_HEADER_BYTES = 28;

/** What the header of a llama2.c checkpoint says. */
export interface Llama2cHeader {
  /** 0: float32 without a magic number; 1: float32; 2: 8 bits in groups with a scale each. */
  readonly version: 0 | 1 | 2;
  readonly config: LlamaConfig;
  readonly headerBytes: number;
  /** Values that share a scale; version 2 alone. */
  readonly groupSize: number;
}

/** A file that is no llama2.c checkpoint, or a damaged one. */
export function llama2cError(what: string, message: string): Error {
  return tesseraeError({
    package: 'hub',
    code: 'E_LLAMA2C',
    message: `${what}: ${message}`,
    fix: 'check that it is a complete checkpoint as the export.py of llama2.c writes them',
  });
}

const MAX_SIZE = 2 ** 24;
const names = ['dim', 'hidden_dim', 'n_layers', 'n_heads', 'n_kv_heads', 'vocab_size', 'max_seq_len'];

function checkSizes(sizes: readonly number[], what: string): void {
  sizes.forEach((size, i) => {
    if (size < 1 || size > MAX_SIZE) throw llama2cError(what, `its header gives ${names[i]} as ${size}`);
  });
  const [dim, , layers, heads, keyValueHeads] = sizes;
  if (layers > 4096) throw llama2cError(what, `its header gives ${layers} layers`);
  if (dim % heads !== 0 || (dim / heads) % 2 !== 0 || heads % keyValueHeads !== 0) {
    throw llama2cError(
      what,
      `a width of ${dim} does not go into ${heads} heads with ${keyValueHeads} for keys and values`,
    );
  }
}

/**
 * The config that llama2.c's arithmetic stands for. Generation ends at `</s>` and, as in `run.c`, at `<s>`, which separates
 * the texts that such models learn from.
 */
function configOf(sizes: readonly number[], tied: boolean): LlamaConfig {
  const [hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, numKeyValueHeads] = sizes;
  return llama.configure({
    hiddenSize,
    intermediateSize,
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads,
    vocabSize: sizes[5],
    maxPositionEmbeddings: sizes[6],
    rmsNormEpsilon: 1e-5,
    tieWordEmbeddings: tied,
    bosTokenId: 1,
    eosTokenId: [2, 1],
  });
}

/**
 * Reads and checks a header.
 *
 * @param bytes the first 256 bytes, or fewer when the file is shorter
 * @throws E_LLAMA2C
 */
export function readLlama2cHeader(bytes: Uint8Array, what: string): Llama2cHeader {
  if (bytes.byteLength < SHORT_HEADER_BYTES) throw llama2cError(what, `${bytes.byteLength} bytes hold no header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = view.getUint32(0, true) !== MAGIC;
  if (!short && bytes.byteLength < LONG_HEADER_BYTES) throw llama2cError(what, 'it ends inside its header');
  const version = short ? 0 : view.getInt32(4, true);
  if (version !== 0 && version !== 1 && version !== 2)
    throw llama2cError(what, `it has version ${version}; known are 0, 1, 2`);
  const sizes = names.map((_, i) => view.getInt32((short ? 0 : 8) + 4 * i, true));
  const tied = short ? sizes[5] > 0 : view.getUint8(36) !== 0; // version 0: a negative vocabulary has its own output
  if (short) sizes[5] = Math.abs(sizes[5]);
  checkSizes(sizes, what);
  const groupSize = version === 2 ? view.getInt32(37, true) : 0;
  if (version === 2 && (groupSize < 1 || sizes[0] % groupSize !== 0)) {
    throw llama2cError(what, `groups of ${groupSize} do not divide a width of ${sizes[0]}`);
  }
  return {
    version,
    config: configOf(sizes, tied),
    headerBytes: short ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES,
    groupSize,
  };
}

/** Writes the header of version 0 or 1. */
export function writeLlama2cHeader(config: LlamaConfig, version: 0 | 1): Uint8Array {
  const { hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, numKeyValueHeads } = config;
  const vocabulary = version === 0 && !config.tieWordEmbeddings ? -config.vocabSize : config.vocabSize;
  const sizes = [hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, numKeyValueHeads];
  const bytes = new Uint8Array(version === 0 ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  if (version === 1) {
    view.setUint32(0, MAGIC, true);
    view.setInt32(4, version, true);
    view.setUint8(36, config.tieWordEmbeddings ? 1 : 0);
  }
  [...sizes, vocabulary, config.maxPositionEmbeddings].forEach((size, i) =>
    view.setInt32((version === 0 ? 0 : 8) + 4 * i, size, true),
  );
  return bytes;
}
