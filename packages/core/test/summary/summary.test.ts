import { createModel, flattenParams, gpt2, llama, summary } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

beforeAll(() => use('cpu'));

describe('summary', () => {
  it('adds up for GPT-2, whose output is the token embedding', () => {
    const model = createModel(gpt2, {
      vocabSize: 1000,
      hiddenSize: 32,
      numHiddenLayers: 3,
      numAttentionHeads: 4,
      maxPositionEmbeddings: 64,
    });
    const facts = summary(model);
    const block = 12 * 32 * 32;
    expect(facts.parameters).toBe(1000 * 32 + 64 * 32 + 3 * (block + 13 * 32) + 2 * 32);
    expect(facts.nonEmbeddingParameters).toBe(3 * (block + 13 * 32) + 2 * 32);
    expect(facts.bytes).toBe(4 * facts.parameters);
    expect(facts.flopsPerToken.forward).toBe(2 * (3 * block + 1000 * 32) + 4 * 3 * 32 * 64);
    expect(facts.flopsPerToken.training).toBe(3 * facts.flopsPerToken.forward);
    expect(facts.cacheBytesPerToken).toBe(2 * 3 * 32 * 4);
    expect(facts.rows.reduce((sum, row) => sum + row.count, 0)).toBe(flattenParams(model.params).length);
    expect(facts.rows.find(({ name }) => name === 'layers.0-2.attention.output.weight')).toMatchObject({
      count: 3,
      shape: [32, 32],
      parameters: 3 * 1024,
      kind: 'float32',
    });
  });

  it('adds up for Llama with grouped heads, and prints', () => {
    const model = createModel(llama, {
      vocabSize: 100,
      hiddenSize: 32,
      intermediateSize: 48,
      numHiddenLayers: 1,
      numAttentionHeads: 4,
      numKeyValueHeads: 2,
      maxPositionEmbeddings: 64,
    });
    const facts = summary(model);
    const block = 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 48;
    expect(facts.flopsPerToken.forward).toBe(2 * (block + 100 * 32) + 4 * 32 * 64);
    expect(facts.cacheBytesPerToken).toBe(2 * 16 * 4);
    expect(String(facts)).toMatchInlineSnapshot(`
      "llama: 1 layers, context 64
      weight                            shape     layers  kind     parameters   bytes  FLOPs/token
      ────────────────────────────────  ────────  ──────  ───────  ──────────  ──────  ───────────
      tokenEmbedding.weight             100 × 32          float32       3,200  12,800            0
      layers.0.attentionNorm.weight     32                float32          32     128            0
      layers.0.attention.query.weight   32 × 32           float32       1,024   4,096        2,048
      layers.0.attention.key.weight     16 × 32           float32         512   2,048        1,024
      layers.0.attention.value.weight   16 × 32           float32         512   2,048        1,024
      layers.0.attention.output.weight  32 × 32           float32       1,024   4,096        2,048
      layers.0.feedForwardNorm.weight   32                float32          32     128            0
      layers.0.feedForward.gate.weight  48 × 32           float32       1,536   6,144        3,072
      layers.0.feedForward.up.weight    48 × 32           float32       1,536   6,144        3,072
      layers.0.feedForward.down.weight  32 × 48           float32       1,536   6,144        3,072
      finalNorm.weight                  32                float32          32     128            0
      outputEmbedding.weight            100 × 32          float32       3,200  12,800        6,400
      parameters          14,176 (10,976 without embeddings)
      weights             56,704 bytes
      key-value cache     128 bytes/token
      forward pass        29,952 FLOPs/token at full context
      training            89,856 FLOPs/token"
    `);
  });
});
