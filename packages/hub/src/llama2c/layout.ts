import { llama } from '@tesserae/core';
import type { LlamaConfig, ParameterSpec } from '@tesserae/core';
import type { Llama2cHeader } from './header';

/** One piece of a llama2.c file. */
export interface Llama2cPart {
  /** The parameter that it holds; none for the tables of rotary angles, which are computed. */
  readonly spec?: ParameterSpec;
  readonly elements: number;
  readonly byteOffset: number;
  /** Where its scales stand, when it is quantized. */
  readonly scaleOffset?: number;
}

const norms = ['attentionNorm', 'feedForwardNorm'];
const matrices = ['query', 'key', 'value', 'output'].map((name) => `attention.${name}`);
const feeds = ['gate', 'down', 'up'].map((name) => `feedForward.${name}`); // w1, w2, w3

/** The order of parameters in each version: names of layers stand for all layers, one after the other. */
function order({ version, config }: Llama2cHeader): string[] {
  const output = config.tieWordEmbeddings ? [] : ['outputEmbedding'];
  if (version === 0) {
    const layers = [norms[0], ...matrices, norms[1], ...feeds];
    return ['tokenEmbedding', ...layers.map((name) => `layers.*.${name}`), 'finalNorm', 'angles', ...output];
  }
  return [
    ...norms.map((name) => `layers.*.${name}`),
    'finalNorm',
    'tokenEmbedding',
    ...[...matrices, ...feeds].map((name) => `layers.*.${name}`),
    ...output,
  ];
}

const elementsOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Elements of the two tables of cosines and sines that version 0 stores. */
export const angleElements = ({ maxPositionEmbeddings, headDim }: LlamaConfig): number =>
  maxPositionEmbeddings * headDim;

/** Every piece of a file with its place, and how long the file must be. */
export function llama2cLayout(header: Llama2cHeader): { parts: Llama2cPart[]; fileBytes: number } {
  const { config, version, groupSize } = header;
  const specs = new Map(llama.parameters(config).map((spec) => [spec.path, spec]));
  const parts: Llama2cPart[] = [];
  let at = header.headerBytes;
  for (const name of order(header)) {
    const paths = name.includes('*')
      ? Array.from({ length: config.numHiddenLayers }, (_, i) => `${name.replace('*', String(i))}.weight`)
      : [`${name}.weight`];
    for (const path of paths) {
      const spec = specs.get(path);
      const elements = spec ? elementsOf(spec.shape) : angleElements(config);
      parts.push({ ...(spec && { spec }), elements, byteOffset: at });
      at += elements * (version === 2 && spec!.shape.length === 2 ? 1 : 4);
    }
  }
  if (version !== 2) return { parts, fileBytes: at };
  const quantized = parts.map((part) => {
    if (part.spec!.shape.length !== 2) return part;
    const scaleOffset = at;
    at += (part.elements / groupSize) * 4;
    return { ...part, scaleOffset };
  });
  return { parts: quantized, fileBytes: at };
}

/**
 * Query and key rows between the two ways of turning pairs: llama2.c turns neighbours (2i, 2i + 1), Hugging Face's Llama
 * turns i with i + E/2. Row `h·E + 2i + s` of the one is row `h·E + s·E/2 + i` of the other.
 *
 * @param values [heads · E, D]
 * @param towards `'halves'` for Hugging Face's order, `'neighbours'` for llama2.c's
 * @returns the same rows in the other order, [heads · E, D]
 */
export function reorderRotaryRows(
  values: Float32Array,
  { headDim, hiddenSize }: Pick<LlamaConfig, 'headDim' | 'hiddenSize'>,
  towards: 'halves' | 'neighbours',
): Float32Array {
  const out = new Float32Array(values.length);
  const half = headDim / 2;
  for (let row = 0; row < values.length / hiddenSize; row++) {
    const within = row % headDim;
    const start = row - within;
    const neighbour = start + 2 * (within % half) + Math.floor(within / half);
    const [from, to] = towards === 'halves' ? [neighbour, row] : [row, neighbour];
    out.set(values.subarray(from * hiddenSize, (from + 1) * hiddenSize), to * hiddenSize);
  }
  return out;
}
