import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import {
  createModel,
  disposeModel,
  gpt2,
  lowRank,
  mapParams,
  readSafetensors,
  withAdapter,
  writeSafetensors,
} from '@tesserae/core';
import type { Model, SafetensorsInput } from '@tesserae/core';
import { loadAdapter, loadPretrained, saveAdapter, savePretrained } from '@tesserae/hub';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failure, golden, temporaryFolder } from './models';

let base: Model;
let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  base = await loadPretrained(golden('peft/base-gpt2'));
});
const take = (name: string): void => {
  folder = temporaryFolder();
  cpSync(golden(`peft/${name}`), folder, { recursive: true });
};
beforeEach(() => take('gpt2-lora'));

const config = (): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(folder, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
const write = (text: string | Uint8Array): void => writeFileSync(path.join(folder, 'adapter_config.json'), text);
const weights = (): string => path.join(folder, 'adapter_model.safetensors');

/** The file with other tensors; a function that returns undefined leaves one out. */
async function rewrite(change: (tensor: SafetensorsInput) => SafetensorsInput | undefined): Promise<void> {
  const { tensors } = await readSafetensors(weights());
  const kept = [...tensors.values()].flatMap((tensor) => change(tensor as SafetensorsInput) ?? []);
  await writeSafetensors(weights(), kept);
}

/** What loading throws; it leaves no tensors. */
async function refused(model: Model = base): Promise<string> {
  const before = tf.memory().numTensors;
  const { code, message } = await failure(loadAdapter(model, folder));
  expect(tf.memory().numTensors).toBe(before);
  return `${code} ${message}`;
}

describe('adapter_config.json that cannot be', () => {
  it.each<[string, () => string, RegExp]>([
    ['is no JSON', () => '{', /^E_JSON/],
    ['is a list', () => '[]', /^E_CONFIG_FIELD/],
    ['names no method', () => '{}', /^E_UNSUPPORTED.*peft_type/],
    [
      'names a method that is not done here',
      () => JSON.stringify({ ...config(), peft_type: 'LOHA' }),
      /^E_UNSUPPORTED.*LOHA/,
    ],
    ['has a rank of 0', () => JSON.stringify({ ...config(), r: 0 }), /^E_CONFIG_FIELD.*r is 0/],
    ['has a rank beyond all', () => JSON.stringify({ ...config(), r: 2 ** 50 }), /^E_TENSOR_SHAPE.*lora_A/],
    [
      'has another rank than its tensors',
      () => JSON.stringify({ ...config(), r: 4 }),
      /^E_TENSOR_SHAPE.*is \[3, 16\], expected \[4, 16\]/,
    ],
    [
      'has an alpha that is text',
      () => JSON.stringify({ ...config(), lora_alpha: '8' }),
      /^E_CONFIG_FIELD.*lora_alpha/,
    ],
    ['asks for biases of its own', () => JSON.stringify({ ...config(), lora_bias: true }), /^E_UNSUPPORTED.*lora_bias/],
    [
      'changes the base',
      () => JSON.stringify({ ...config(), init_lora_weights: 'pissa' }),
      /^E_UNSUPPORTED.*init_lora_weights/,
    ],
    [
      'repeats layers',
      () => JSON.stringify({ ...config(), layer_replication: [[0, 1]] }),
      /^E_UNSUPPORTED.*layer_replication/,
    ],
    [
      'brings a pattern that never ends',
      () => JSON.stringify({ ...config(), alpha_pattern: { '(a+)+$': 3 } }),
      /^E_UNSUPPORTED.*patterns that a file brings/,
    ],
    [
      'wants DoRA of tensors without it',
      () => JSON.stringify({ ...config(), use_dora: true }),
      /^E_MISSING_TENSORS.*magnitude/,
    ],
    [
      'wants more modules than there are',
      () => JSON.stringify({ ...config(), target_modules: ['c_attn', 'c_proj', 'c_fc'] }),
      /^E_MISSING_TENSORS.*h\.0\.mlp\.c_fc/,
    ],
    ['is for another method', () => JSON.stringify({ ...config(), peft_type: 'IA3' }), /^E_EXTRA_TENSORS/],
  ])('%s', async (_, text, message) => {
    write(text());
    expect(await refused()).toMatch(message);
  });

  it('takes a pattern for targets without running it, and names with dots escaped', async () => {
    write(
      JSON.stringify({
        ...config(),
        target_modules: '(.*a)*(.*a)*(.*a)*b',
        alpha_pattern: { '^h\\.0\\.attn\\.c_attn$': 21 },
      }),
    );
    const model = await loadAdapter(base, folder);
    expect(JSON.stringify((await loadAdapter(base, folder)).params)).toContain('"scale":7');
    expect(model.adapter?.method).toBe('lora');
  });
});

describe('adapter_model.safetensors that does not belong', () => {
  it('lacks half of a pair', async () => {
    await rewrite((tensor) => (tensor.name.endsWith('h.1.attn.c_attn.lora_B.weight') ? undefined : tensor));
    expect(await refused()).toMatch(/^E_MISSING_TENSORS.*h\.1\.attn\.c_attn \(b\)/);
  });

  it('has modules that the model does not have', async () => {
    await rewrite((tensor) => ({ ...tensor, name: tensor.name.replace('h.1.attn', 'h.7.attn') }));
    expect(await refused()).toMatch(/^E_ADAPTER_TARGET.*transformer\.h\.7\.attn\.c_attn/);
  });

  it.each([
    'lora_A.weight',
    'base_model.model.__proto__',
    'base_model.model.transformer.h.0.attn.c_attn.lora_C.weight',
  ])('has a tensor called %s', async (name) => {
    const { tensors } = await readSafetensors(weights());
    const more = { name, dtype: 'F32', shape: [1], data: new Float32Array(1) } as const;
    await writeSafetensors(weights(), [...(tensors.values() as Iterable<SafetensorsInput>), more]);
    expect(await refused()).toMatch(/^E_(EXTRA_TENSORS|ADAPTER_BASE)/);
  });

  it('holds integers', async () => {
    await rewrite((tensor) => ({
      ...tensor,
      dtype: 'I32',
      data: new Int32Array((tensor.data as Float32Array).length),
    }));
    expect(await refused()).toMatch(/^E_TENSOR_DTYPE/);
  });

  it('is cut short, missing, or pickled', async () => {
    const bytes = readFileSync(weights());
    writeFileSync(weights(), bytes.subarray(0, bytes.length - 5));
    expect(await refused()).toMatch(/^E_SAFETENSORS_/);
    rmSync(weights());
    expect(await refused()).toMatch(/^E_NOT_FOUND/);
    writeFileSync(path.join(folder, 'adapter_model.bin'), '');
    expect(await refused()).toMatch(/^E_NOT_FOUND.*pickled/);
  });

  it('is prompt tuning of another length, another width, or for two texts', async () => {
    take('gpt2-prompt');
    write(JSON.stringify({ ...config(), num_virtual_tokens: 5 }));
    expect(await refused()).toMatch(/^E_TENSOR_SHAPE.*expected \[5/);
    write(JSON.stringify({ ...config(), num_transformer_submodules: 2 }));
    expect(await refused()).toMatch(/^E_UNSUPPORTED.*num_transformer_submodules/);
  });
});

describe('an adapter of another base', () => {
  const small = (more: object = {}): Model =>
    createModel(
      gpt2,
      { vocabSize: 37, hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 32, ...more },
      { seed: 1 },
    ) as unknown as Model;

  it('is refused by shapes and by heads', async () => {
    expect(await refused(small({ hiddenSize: 20 }))).toMatch(
      /^E_ADAPTER_BASE.*is \[3, 16\]; this base asks for \[3, 20\]/,
    );
    expect(await refused(small({ numHiddenLayers: 1 }))).toMatch(/^E_ADAPTER_TARGET/);
    take('llama-lora-all');
    expect(await refused()).toMatch(/^E_ADAPTER_TARGET/);
    take('bert-lora-biases');
    const bert = await loadPretrained(golden('peft/base-bert'));
    const body = { ...bert, config: { ...bert.config, head: 'none' as const } };
    expect(await refused(body)).toMatch(/^E_ADAPTER_(BASE|TARGET)/);
    disposeModel(bert);
  });

  it('is refused by the weights, where the file says which they were, and read when asked to', async () => {
    const adapted = await loadAdapter(base, folder);
    const own = temporaryFolder();
    await saveAdapter(adapted, own, { base: 'somebody/gpt2' });
    folder = own;
    expect(config().base_model_name_or_path).toBe('somebody/gpt2');
    expect((await loadAdapter(base, own)).adapter?.method).toBe('lora');
    const other = small();
    expect(await refused(other)).toMatch(/^E_ADAPTER_BASE.*trained on other weights/);
    expect((await loadAdapter(other, own, { checkBase: false })).adapter?.base).toBe(other);
  });

  it('is refused when the embedding that it brings is another', async () => {
    take('gemma-lora-embedding');
    const gemma = await loadPretrained(golden('peft/base-gemma'));
    const params = mapParams(gemma.params, (weight, at) =>
      at === 'tokenEmbedding.weight' ? tf.add(weight as tf.Tensor, 1) : weight,
    );
    expect(await refused({ ...gemma, params })).toMatch(/^E_ADAPTER_BASE.*differs from the base/);
  });
});

describe('what cannot be saved', () => {
  it('is a model without an adapter, one with several in each other, and an adapter among plain weights', async () => {
    expect(await failure(saveAdapter(base, folder))).toMatchObject({ code: 'E_ADAPTER' });
    const one = await loadAdapter(base, folder);
    take('gpt2-ia3');
    const two = await loadAdapter(one, folder);
    expect(await failure(saveAdapter(two, folder))).toMatchObject({ code: 'E_ADAPTER' });
    expect(await failure(savePretrained(one, folder))).toMatchObject({ code: 'E_ADAPTER' });
  });

  it('says which modules it stands on in as few names as mean them', async () => {
    const around = (wanted: RegExp): Model => {
      const params = mapParams(base.params, (weight, at) => {
        if (!wanted.test(at)) return weight;
        const [inputs, outputs] = (weight as tf.Tensor).shape as [number, number];
        return lowRank(weight, { a: tf.ones([2, inputs]), b: tf.ones([outputs, 2]), scale: 3, layout: 'in-out' });
      });
      return withAdapter(base, params, { method: 'lora', base, whole: [], settings: {} });
    };
    await saveAdapter(around(/queryKeyValue\.weight$/), folder);
    expect(config()).toMatchObject({
      target_modules: ['c_attn'],
      r: 2,
      lora_alpha: 6,
      fan_in_fan_out: true,
      task_type: 'CAUSAL_LM',
    });
    await saveAdapter(around(/layers\.1\.attention\.(output|queryKeyValue)\.weight$/), folder);
    expect(config().target_modules).toEqual(['transformer.h.1.attn.c_attn', 'transformer.h.1.attn.c_proj']);
  });
});
