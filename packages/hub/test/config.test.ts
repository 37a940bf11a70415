import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gpt2, llama } from '@tesserae/core';
import { describe, expect, it } from 'vitest';
import { findForm, forms } from '../src/forms/index';
import { readFields } from '../src/forms/fields';
import { loadPretrained } from '@tesserae/hub';
import { failure, temporaryFolder } from './models';

const read = (json: Record<string, unknown>): Record<string, unknown> => {
  const form = findForm(forms(), json, 'config.json');
  return form.read(readFields(json, 'config.json'), 'config.json') as unknown as Record<string, unknown>;
};

/** What loading a folder with this config says. */
const refusal = async (text: string): Promise<{ code: string; message: string }> => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'config.json'), text);
  return failure(loadPretrained(folder));
};

describe('defaults are those of the Hugging Face classes', () => {
  it('GPT2Config', () => {
    const ids = { bosTokenId: 50256, eosTokenId: 50256, padTokenId: null };
    expect(read({ model_type: 'gpt2' })).toEqual({ ...gpt2.configure({}), ...ids });
    expect(read({ model_type: 'gpt2', n_inner: null, bos_token_id: null })).toMatchObject({
      intermediateSize: null,
      bosTokenId: null,
    });
  });

  it('LlamaConfig', () => {
    const ids = { bosTokenId: 1, eosTokenId: 2, padTokenId: null };
    expect(read({ model_type: 'llama' })).toEqual({ ...llama.configure({}), ...ids });
    const small = { model_type: 'llama', hidden_size: 60, num_attention_heads: 6 };
    expect(read(small)).toMatchObject({ numKeyValueHeads: 6, headDim: 10 });
    expect(read({ ...small, num_key_value_heads: null, head_dim: null })).toMatchObject({
      numKeyValueHeads: 6,
      headDim: 10,
    });
    expect(read({ ...small, head_dim: 16, num_key_value_heads: 2 })).toMatchObject({
      numKeyValueHeads: 2,
      headDim: 16,
    });
  });
});

describe('rotary embeddings, in the forms of transformers 4 and 5', () => {
  const rope = (fields: Record<string, unknown>): unknown => {
    const { ropeTheta, ropeScaling } = read({ model_type: 'llama', max_position_embeddings: 64, ...fields });
    return { ropeTheta, ropeScaling };
  };
  it.each<[string, Record<string, unknown>, unknown]>([
    ['4: absent', {}, { ropeTheta: 10000, ropeScaling: null }],
    ['4: theta', { rope_theta: 5e5, rope_scaling: null }, { ropeTheta: 5e5, ropeScaling: null }],
    [
      '4: type, as it was called',
      { rope_scaling: { type: 'linear', factor: 2 } },
      { ropeTheta: 10000, ropeScaling: { type: 'linear', factor: 2 } },
    ],
    [
      '4: dynamic',
      { rope_scaling: { rope_type: 'dynamic', factor: 2 } },
      { ropeTheta: 10000, ropeScaling: { type: 'dynamic', factor: 2 } },
    ],
    ['5: default', { rope_parameters: { rope_theta: 7, rope_type: 'default' } }, { ropeTheta: 7, ropeScaling: null }],
    [
      '5: theta outside',
      { rope_theta: 9, rope_parameters: { rope_type: 'linear', factor: 3 } },
      { ropeTheta: 9, ropeScaling: { type: 'linear', factor: 3 } },
    ],
    [
      '5: llama3',
      {
        rope_parameters: {
          rope_theta: 7,
          rope_type: 'llama3',
          factor: 8,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 32,
        },
      },
      {
        ropeTheta: 7,
        ropeScaling: {
          type: 'llama3',
          factor: 8,
          lowFreqFactor: 1,
          highFreqFactor: 4,
          originalMaxPositionEmbeddings: 32,
        },
      },
    ],
    [
      'yarn: original length from the field outside, factor from the lengths',
      { original_max_position_embeddings: 16, rope_parameters: { rope_type: 'yarn', factor: null } },
      { ropeTheta: 10000, ropeScaling: { type: 'yarn', factor: 4, originalMaxPositionEmbeddings: 16 } },
    ],
    [
      'yarn: everything',
      {
        rope_scaling: {
          rope_type: 'yarn',
          factor: 2,
          attention_factor: 0.9,
          beta_fast: 16,
          beta_slow: 2,
          mscale: 0.5,
          mscale_all_dim: 0.7,
          truncate: false,
        },
      },
      {
        ropeTheta: 10000,
        ropeScaling: {
          type: 'yarn',
          factor: 2,
          attentionFactor: 0.9,
          betaFast: 16,
          betaSlow: 2,
          mscale: 0.5,
          mscaleAllDim: 0.7,
          truncate: false,
          originalMaxPositionEmbeddings: 64,
        },
      },
    ],
    [
      'longrope',
      {
        hidden_size: 8,
        num_attention_heads: 2,
        original_max_position_embeddings: 16,
        rope_scaling: { type: 'longrope', short_factor: [1, 2], long_factor: [3, 4] },
      },
      {
        ropeTheta: 10000,
        ropeScaling: {
          type: 'longrope',
          factor: 4,
          originalMaxPositionEmbeddings: 16,
          shortFactor: [1, 2],
          longFactor: [3, 4],
        },
      },
    ],
  ])('%s', (_, fields, expected) => expect(rope(fields)).toEqual(expected));
});

describe('what cannot be done is refused by name', () => {
  it.each<[string, string, string | RegExp]>([
    ['{"model_type": "mamba"}', 'E_UNSUPPORTED', /model_type is "mamba"; known are gpt2, .*llama/],
    ['{"model_type": "gpt3"}', 'E_UNSUPPORTED', /did you mean 'gpt2'/],
    ['{}', 'E_UNSUPPORTED', /model_type is absent/],
    [
      '{"model_type": "gpt2", "architectures": ["GPT2DoubleHeadsModel"]}',
      'E_UNSUPPORTED',
      /architectures is \["GPT2DoubleHeads/,
    ],
    ['{"model_type": "gpt2", "activation_function": "xielu"}', 'E_UNSUPPORTED', /activation_function is "xielu"/],
    ['{"model_type": "gpt2", "add_cross_attention": true}', 'E_UNSUPPORTED', /add_cross_attention is true/],
    ['{"model_type": "gpt2", "quantization_config": {"bits": 4}}', 'E_UNSUPPORTED', /quantization_config/],
    ['{"model_type": "gpt2", "pruned_heads": {"0": [1]}}', 'E_UNSUPPORTED', /pruned_heads/],
    ['{"model_type": "llama", "hidden_act": 5}', 'E_UNSUPPORTED', /hidden_act is 5/],
    ['{"model_type": "llama", "rope_scaling": {"rope_type": "su", "factor": 2}}', 'E_UNSUPPORTED', /rope_type is "su"/],
    [
      '{"model_type": "llama", "rope_scaling": {"rope_type": "linear", "factor": 2}, "partial_rotary_factor": 0.5}',
      'E_UNSUPPORTED',
      /partial_rotary_factor is 0.5/,
    ],
    [
      '{"model_type": "llama", "rope_parameters": {"full_attention": {"rope_type": "default"}}}',
      'E_UNSUPPORTED',
      /rope_parameters/,
    ],
    ['{"model_type": "llama", "rope_scaling": {"rope_type": "linear"}}', 'E_CONFIG_FIELD', /factor is null/],
    [
      '{"model_type": "llama", "rope_scaling": {"rope_type": "linear", "factor": "2"}}',
      'E_CONFIG_FIELD',
      /factor is "2"/,
    ],
    [
      '{"model_type": "llama", "rope_scaling": {"rope_type": "longrope", "short_factor": [1], "long_factor": "x"}}',
      'E_CONFIG_FIELD',
      /long_factor is "x"/,
    ],
    ['{"model_type": "llama", "rope_scaling": []}', 'E_CONFIG_FIELD', /rope_scaling is \[\]/],
    [
      '{"model_type": "mistral", "layer_types": ["full_attention"], "num_hidden_layers": 1}',
      'E_UNSUPPORTED',
      /layer_types/,
    ],
    ['{"model_type": "qwen2", "layer_types": ["full_attention"]}', 'E_CONFIG_FIELD', /layer_types is \["full/],
    ['{"model_type": "gemma2", "sliding_window": null}', 'E_CONFIG_FIELD', /sliding_window is null/],
    ['{"model_type": "gemma2", "attn_logit_softcapping": 0}', 'E_CONFIG_FIELD', /attn_logit_softcapping is 0/],
    ['{"model_type": "gemma", "use_bidirectional_attention": true}', 'E_UNSUPPORTED', /use_bidirectional_attention/],
    ['{"model_type": "gemma3_text", "rope_parameters": {"rope_theta": 5}}', 'E_UNSUPPORTED', /rope_parameters/],
    ['{"model_type": "gpt_neox", "rotary_pct": 0}', 'E_CONFIG_FIELD', /rotary_pct is 0/],
    ['{"model_type": "mixtral", "num_experts_per_tok": 9}', 'E_CONFIG', /cannot take 9 of 8 experts/],
    ['{"model_type": "gpt2", "n_embd": "768"}', 'E_CONFIG_FIELD', /n_embd is "768"/],
    ['{"model_type": "gpt2", "n_layer": -1}', 'E_CONFIG_FIELD', /n_layer is -1/],
    ['{"model_type": "gpt2", "n_layer": 1.5}', 'E_CONFIG_FIELD', /n_layer is 1.5/],
    ['{"model_type": "gpt2", "layer_norm_epsilon": "1e-5"}', 'E_CONFIG_FIELD', /layer_norm_epsilon/],
    ['{"model_type": "gpt2", "resid_pdrop": 1}', 'E_CONFIG_FIELD', /resid_pdrop is 1/],
    ['{"model_type": "gpt2", "tie_word_embeddings": "yes"}', 'E_CONFIG_FIELD', /tie_word_embeddings is "yes"/],
    ['{"model_type": "gpt2", "eos_token_id": "x"}', 'E_CONFIG_FIELD', /eos_token_id/],
    ['{"model_type": "gpt2", "pad_token_id": [1]}', 'E_CONFIG_FIELD', /pad_token_id/],
    ['{"model_type": "gpt2", "n_embd": 10, "n_head": 3}', 'E_CONFIG', /3 heads do not divide/],
    ['[]', 'E_CONFIG_FIELD', /holds no object/],
    ['{"model_type": "gpt2", "model_type": "llama"}', 'E_JSON', /twice/],
    ['{"model_type": ', 'E_JSON', /no.? JSON|not JSON/],
  ])('%s', async (text, code, message) => {
    const found = await refusal(text);
    expect(found.message).toMatch(message);
    expect(found.code).toBe(code);
  });

  it('a file that is far too large', async () => {
    expect((await refusal(' '.repeat(64 * 2 ** 20 + 1))).code).toBe('E_CONFIG_SIZE');
  });
});
