import { bart, bert, t5 } from '@tesserae/core';
import { layerwiseDecay } from '@tesserae/trainer';
import { describe, expect, it } from 'vitest';

const half = (layers: number, decoderLayers?: number): ((name: string) => number) =>
  layerwiseDecay({ decay: 0.5, layers, decoderLayers });

describe('layerwiseDecay', () => {
  const t5Names = t5
    .parameters(
      t5.configure({
        vocabSize: 9,
        hiddenSize: 8,
        headDim: 4,
        intermediateSize: 8,
        numHiddenLayers: 2,
        numDecoderLayers: 3,
        numAttentionHeads: 2,
      }),
    )
    .map(({ path }) => path);

  it('counts each stack of an encoder-decoder for itself', () => {
    const scale = half(2, 3);
    const of = (pattern: RegExp): number[] => [...new Set(t5Names.filter((name) => pattern.test(name)).map(scale))];
    expect([of(/^encoder\.layers\.0\./), of(/^encoder\.layers\.1\./)]).toEqual([[0.25], [0.5]]);
    expect([0, 1, 2].map((layer) => of(new RegExp(`^decoder\\.layers\\.${layer}\\.`)))).toEqual([
      [0.125],
      [0.25],
      [0.5],
    ]);
    expect(of(/^tokenEmbedding/)).toEqual([1 / 16]); // both stacks read it: the deeper one counts
    expect(of(/[nN]orm\.weight$/).includes(1)).toBe(true);
  });

  it('takes the table of relative positions for a part of layer 0', () => {
    const tables = t5Names.filter((name) => name.includes('relativePosition'));
    expect(tables.map(half(2, 3))).toEqual([0.25, 0.125]);
  });

  it('takes decoders to be as deep as encoders where nothing else is said', () => {
    expect(['encoder.layers.1.x', 'decoder.layers.1.x'].map(half(2))).toEqual([0.5, 0.5]);
    const names = bart
      .parameters(
        bart.configure({
          vocabSize: 9,
          hiddenSize: 8,
          intermediateSize: 8,
          numHiddenLayers: 1,
          numAttentionHeads: 2,
          numDecoderAttentionHeads: 2,
          maxPositionEmbeddings: 4,
        }),
      )
      .map(({ path }) => path);
    const positions = names.filter((name) => name.includes('positionEmbedding'));
    expect(positions.map(half(1))).toEqual([0.25, 0.25]);
  });

  it('counts the layers of a single stack', () => {
    const names = bert
      .parameters(
        bert.configure({
          vocabSize: 9,
          hiddenSize: 8,
          intermediateSize: 8,
          numHiddenLayers: 2,
          numAttentionHeads: 2,
          maxPositionEmbeddings: 4,
        }),
      )
      .map(({ path }) => path);
    const scale = half(2);
    expect(new Set(names.filter((name) => name.startsWith('layers.1.')).map(scale))).toEqual(new Set([0.5]));
    expect(new Set(names.filter((name) => /^\w+Embedding\./.test(name)).map(scale))).toEqual(new Set([0.125]));
  });

  it('refuses numbers of layers that cannot be', () => {
    expect(() => half(2, 0)).toThrow("the option 'decoderLayers' must be a whole number ≥ 1, found 0");
  });
});
