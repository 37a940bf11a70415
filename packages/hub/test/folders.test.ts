import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  countParameters,
  disposeModel,
  generateText,
  gpt2,
  mapParams,
  readSafetensors,
  safetensorsBytes,
  writeSafetensors,
} from '@tesserae/core';
import type { SafetensorsInput, SafetensorsTensor } from '@tesserae/core';
import { loadPretrained, savePretrained } from '@tesserae/hub';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { mountSmallDisk } from '../../../test/support/small-disk';
import { failure, golden, smallGpt2, smallLlama, temporaryFolder, valuesOf } from './models';

beforeAll(() => tf.setBackend('cpu'));

const weights = (folder: string): string => path.join(folder, 'model.safetensors');
const tensorsOf = async (folder: string): Promise<SafetensorsTensor[]> => [
  ...(await readSafetensors(weights(folder))).tensors.values(),
];
const configOf = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;

/** A folder with GPT-2's fixture, its tensors changed by `change`, its config by `config`. */
async function variant(
  name: string,
  change: (tensors: SafetensorsTensor[]) => SafetensorsInput[] = (tensors) => tensors,
  config: Record<string, unknown> = {},
): Promise<string> {
  const folder = temporaryFolder();
  await writeSafetensors(weights(folder), change(await tensorsOf(golden(name))));
  const json = { ...configOf(golden(name)), ...config };
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(json));
  return folder;
}

describe('a folder in and out', () => {
  it.each([
    ['gpt2', 'config.json'],
    ['gpt2', 'config.v5.json'],
    ['llama', 'config.json'],
    ['llama', 'config.v5.json'],
    ['t5', 'config.json'],
    ['t5', 'config.v5.json'],
    ['bart', 'config.json'],
    ['marian', 'config.v5.json'],
  ])('%s by %s is the same, byte for byte', async (name, configFile) => {
    const before = tf.memory().numTensors;
    const model = await loadPretrained(golden(name), { configFile });
    const folder = temporaryFolder();
    await savePretrained(model, folder);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
    for (const [ours, theirs] of [
      ['model.safetensors', 'model.safetensors'],
      ['config.json', configFile],
      ['generation_config.json', 'generation_config.json'],
    ]) {
      const same = readFileSync(path.join(folder, ours)).equals(readFileSync(path.join(golden(name), theirs)));
      expect([ours, same]).toEqual([ours, true]);
    }
  });

  it('both forms of a config say the same', async () => {
    for (const name of ['gpt2', 'llama']) {
      const [one, two] = await Promise.all(
        ['config.json', 'config.v5.json'].map((configFile) => loadPretrained(golden(name), { configFile })),
      );
      expect({ ...one.config }).toMatchObject(JSON.parse(JSON.stringify(two.config)) as object);
      expect(JSON.stringify(one.config)).toBe(JSON.stringify(two.config));
    }
  });

  it('a model made here comes back with all its values', async () => {
    const rope = { type: 'yarn', factor: 2, originalMaxPositionEmbeddings: 8, truncate: false } as const;
    for (const model of [
      smallGpt2({ hiddenAct: 'relu', intermediateSize: 20, tieWordEmbeddings: false, scaleAttentionWeights: false }),
      smallLlama({
        headDim: 6,
        numKeyValueHeads: 1,
        attentionBias: true,
        mlpBias: true,
        ropeScaling: rope,
        ropeTheta: 500,
      }),
      smallLlama({ tieWordEmbeddings: true, eosTokenId: [3, 4], padTokenId: 0 }),
    ]) {
      const folder = temporaryFolder();
      await savePretrained(model as ReturnType<typeof smallGpt2>, folder);
      const back = await loadPretrained(folder);
      expect(JSON.parse(JSON.stringify(back.config))).toEqual(JSON.parse(JSON.stringify(model.config)));
      expect(valuesOf(back)).toEqual(valuesOf(model as ReturnType<typeof smallGpt2>));
    }
  });

  it('writes numbers that Python reads as floats as such', async () => {
    const folder = temporaryFolder();
    await savePretrained(smallLlama(), folder);
    const text = readFileSync(path.join(folder, 'config.json'), 'utf8');
    expect(text).toContain('"rope_theta": 10000.0,');
    expect(text).toContain('"attention_dropout": 0.0,');
    expect(text).toContain('"hidden_size": 8,');
  });

  it('a changed model keeps what it came with', async () => {
    const model = await loadPretrained(
      await variant('llama', undefined, { my_own_field: { a: [1] }, torch_dtype: 'float32' }),
    );
    const changed = { ...model, config: { ...model.config, maxPositionEmbeddings: 128, eosTokenId: 5 } };
    const folder = temporaryFolder();
    await savePretrained(changed, folder);
    expect(configOf(folder)).toMatchObject({
      my_own_field: { a: [1] },
      max_position_embeddings: 128,
      eos_token_id: 5,
      rope_scaling: null,
      pretraining_tp: 1,
    });
  });

  it('takes the tokenizer along', async () => {
    const tokenizer = trainCharacterTokenizer('hello world');
    const model = { ...smallGpt2({ vocabSize: tokenizer.vocabSize }), tokenizer };
    const folder = temporaryFolder();
    await savePretrained(model, folder);
    const back = await loadPretrained(folder);
    expect(back.tokenizer?.decode(back.tokenizer.encode('hello'))).toBe('hello');
    expect((await generateText(back, 'hell', { maxNewTokens: 3, stopTokens: [] })).length).toBeGreaterThan(0);
    expect((await loadPretrained(folder, { tokenizer: null })).tokenizer).toBeUndefined();
  });

  it('keeps 16-bit weights as they were, unless they have changed', async () => {
    for (const [dtype, name] of [
      ['BF16', 'bfloat16'],
      ['F16', 'float16'],
    ] as const) {
      const folder = await variant(
        'gpt2',
        (tensors) => tensors.map((tensor) => ({ ...tensor, dtype }) as SafetensorsInput),
        {
          dtype: name,
        },
      );
      const model = await loadPretrained(folder);
      const out = temporaryFolder();
      await savePretrained(model, out);
      expect(readFileSync(weights(out)).equals(readFileSync(weights(folder)))).toBe(true);
      expect(configOf(out).dtype).toBe(name);
      const changed = { ...model, params: mapParams(model.params, (weight) => tf.mul(weight as tf.Tensor, 1.001)) };
      await savePretrained(changed, out);
      expect(new Set((await tensorsOf(out)).map((tensor) => tensor.dtype))).toEqual(new Set(['F32']));
      expect(configOf(out).dtype).toBe('float32');
      expect(valuesOf(await loadPretrained(out))).toEqual(valuesOf(changed));
      await savePretrained(changed, out, { dtype: name });
      expect(new Set((await tensorsOf(out)).map((tensor) => tensor.dtype))).toEqual(new Set([dtype]));
    }
  });

  it.each([
    ['F8_E4M3', 'float8_e4m3fn'],
    ['F8_E5M2', 'float8_e5m2'],
  ] as const)('reads %s exactly, and writes it again while nothing has changed', async (dtype, name) => {
    const narrow = (tensors: SafetensorsTensor[]): SafetensorsInput[] =>
      tensors.map((tensor) => ({ ...tensor, dtype }));
    const folder = await variant('gpt2', narrow, { dtype: name });
    const model = await loadPretrained(folder);
    const bits = new Map((await tensorsOf(folder)).map((tensor) => [tensor.name, [...tensor.data]]));
    expect(Object.values(valuesOf(model))).toContainEqual(bits.get('transformer.wte.weight')!);
    const out = temporaryFolder();
    await savePretrained(model, out);
    expect(readFileSync(weights(out)).equals(readFileSync(weights(folder)))).toBe(true);
    expect(configOf(out).dtype).toBe(name);
    const changed = { ...model, params: mapParams(model.params, (weight) => tf.mul(weight as tf.Tensor, 1.01)) };
    await savePretrained(changed, out);
    expect(new Set((await tensorsOf(out)).map((tensor) => tensor.dtype))).toEqual(new Set(['F32']));
    expect(valuesOf(await loadPretrained(out))).toEqual(valuesOf(changed));
  });

  it('reads double precision, and shards', async () => {
    const wide = await variant('llama', (tensors) =>
      tensors.map((tensor) => ({ ...tensor, dtype: 'F64', data: Float64Array.from(tensor.data as Float32Array) })),
    );
    const values = valuesOf(await loadPretrained(golden('llama')));
    expect(valuesOf(await loadPretrained(wide))).toEqual(values);
    const folder = await variant('llama', (tensors) => tensors.slice(0, 1));
    const tensors = await tensorsOf(golden('llama'));
    const files = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    rmSync(weights(folder));
    for (const [i, file] of files.entries()) {
      await writeSafetensors(
        path.join(folder, file),
        tensors.filter((_, t) => t % 2 === i),
      );
    }
    const map = Object.fromEntries(tensors.map(({ name }, t) => [name, files[t % 2]]));
    writeFileSync(path.join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    expect(valuesOf(await loadPretrained(folder))).toEqual(values);
  });
});

describe('names as they occur', () => {
  it('GPT-2 without prefix and with the buffers of old versions, in and out', async () => {
    const strip = (tensors: SafetensorsTensor[]): SafetensorsInput[] => [
      ...tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace('transformer.', '') })),
      { name: 'h.0.attn.bias', dtype: 'U8', shape: [1, 1, 2, 2], data: new Uint8Array(4) },
      { name: 'h.1.attn.masked_bias', dtype: 'F32', shape: [], data: new Float32Array(1) },
    ];
    const model = await loadPretrained(await variant('gpt2', strip));
    expect(valuesOf(model)).toEqual(valuesOf(await loadPretrained(golden('gpt2'))));
    const folder = temporaryFolder();
    await savePretrained(model, folder);
    expect((await tensorsOf(folder)).map(({ name }) => name)).toContain('h.0.attn.c_attn.weight');
    expect(valuesOf(await loadPretrained(folder))).toEqual(valuesOf(model));
  });

  it('Llama with stored frequencies', async () => {
    const buffers: SafetensorsInput[] = [0, 1].map((i) => ({
      name: `model.layers.${i}.self_attn.rotary_emb.inv_freq`,
      dtype: 'F32',
      shape: [4],
      data: new Float32Array(4),
    }));
    const model = await loadPretrained(await variant('llama', (tensors) => [...tensors, ...buffers]));
    expect(countParameters(model)).toBe(countParameters(await loadPretrained(golden('llama'))));
  });

  it('a tied output that is stored besides goes out again; one that differs is a matrix of its own', async () => {
    const copy =
      (factor: number) =>
      (tensors: SafetensorsTensor[]): SafetensorsInput[] => {
        const embedding = tensors.find(({ name }) => name === 'transformer.wte.weight')!;
        const data = (embedding.data as Float32Array).map((value) => value * factor);
        return [...tensors, { ...embedding, name: 'lm_head.weight', data }];
      };
    const same = await variant('gpt2', copy(1));
    const model = await loadPretrained(same);
    expect(model.config).toMatchObject({ tieWordEmbeddings: true });
    const folder = temporaryFolder();
    await savePretrained(model, folder);
    expect(readFileSync(weights(folder)).equals(readFileSync(weights(same)))).toBe(true);
    const other = await loadPretrained(await variant('gpt2', copy(2)));
    expect(other.config).toMatchObject({ tieWordEmbeddings: false });
    await savePretrained(other, folder);
    expect(configOf(folder).tie_word_embeddings).toBe(false);
    expect(valuesOf(await loadPretrained(folder))).toEqual(valuesOf(other));
  });
});

describe('folders that do not fit', () => {
  const first = (tensors: SafetensorsTensor[]): SafetensorsTensor => tensors[0];
  it.each<[string, (tensors: SafetensorsTensor[]) => SafetensorsInput[], string, RegExp]>([
    [
      'a missing tensor',
      (t) => t.filter(({ name }) => !name.endsWith('h.1.ln_2.bias')),
      'E_MISSING_TENSORS',
      /transformer\.h\.1\.ln_2\.bias/,
    ],
    ['an extra tensor', (t) => [...t, { ...first(t), name: 'score.weight' }], 'E_EXTRA_TENSORS', /score\.weight/],
    [
      'another shape',
      (t) => t.map((one) => (one.shape.length === 2 ? { ...one, shape: [...one.shape].reverse() } : one)),
      'E_TENSOR_SHAPE',
      /wte\.weight is \[36, 127\], wanted \[127, 36\]/,
    ],
    [
      'integers',
      (t) =>
        t.map((one) =>
          one.name.endsWith('wpe.weight') ? { ...one, dtype: 'I32', data: new Int32Array(one.data.length) } : one,
        ),
      'E_TENSOR_DTYPE',
      /wpe\.weight \(I32\)/,
    ],
  ])('%s', async (_, change, code, message) => {
    const before = tf.memory().numTensors;
    const found = await failure(loadPretrained(await variant('gpt2', change)));
    expect(found.code).toBe(code);
    expect(found.message).toMatch(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('nothing there, nothing complete', async () => {
    const folder = temporaryFolder();
    expect((await failure(loadPretrained(folder))).code).toBe('E_NOT_FOUND');
    expect((await failure(loadPretrained(path.join(folder, 'absent')))).code).toBe('E_NOT_FOUND');
    copyFileSync(path.join(golden('gpt2'), 'config.json'), path.join(folder, 'config.json'));
    expect((await failure(loadPretrained(folder))).code).toBe('E_NOT_FOUND');
    copyFileSync(weights(golden('gpt2')), weights(folder));
    truncateSync(weights(folder), 50_000);
    expect((await failure(loadPretrained(folder))).code).toBe('E_SAFETENSORS_TRUNCATED');
    writeFileSync(weights(folder), 'no weights at all');
    expect((await failure(loadPretrained(folder))).code).toBe('E_SAFETENSORS_HEADER');
  });

  it('paths and options that are none', async () => {
    expect((await failure(loadPretrained(''))).code).toBe('E_PATH');
    expect((await failure(loadPretrained(7 as unknown as string))).code).toBe('E_PATH');
    expect((await failure(loadPretrained(golden('gpt2'), { configFile: '../llama/config.json' }))).code).toBe(
      'E_PATH_ESCAPE',
    );
    expect((await failure(loadPretrained(golden('gpt2'), { dtype: 1 } as object))).code).toBe('E_UNKNOWN_OPTION');
    expect((await failure(savePretrained(smallGpt2(), ''))).code).toBe('E_PATH');
    expect((await failure(savePretrained(smallGpt2(), 'x', { dtype: 'int4' } as object))).code).toBe(
      'E_UNKNOWN_OPTION',
    );
    expect((await failure(savePretrained(smallGpt2(), 'x', { type: 'int4' } as object))).code).toBe('E_UNKNOWN_OPTION');
    expect((await failure(savePretrained({} as never, 'x'))).code).toBe('E_MODEL_PARAMS');
  });

  it('a model whose weights are not those of its config', async () => {
    const model = smallGpt2();
    const wrong = { ...model, config: gpt2.configure({ ...model.config, vocabSize: 14 }) };
    expect((await failure(savePretrained(wrong, temporaryFolder()))).message).toMatch(
      /tokenEmbedding\.weight is \[13, 8\]/,
    );
    const missing = { ...model, params: { ...model.params, layers: [] } };
    expect((await failure(savePretrained(missing, temporaryFolder()))).code).toBe('E_MODEL_PARAMS');
  });

  it('a full disk or an unwritable place leaves what was there', async (context) => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect((await failure(savePretrained(smallGpt2(), path.join(file, 'model')))).code).toBe('E_NOT_WRITABLE');
    const disk = mountSmallDisk('96k');
    if (!disk) return context.skip('mounting a tmpfs is not permitted here');
    try {
      const folder = path.join(disk.folder, 'model');
      await savePretrained(smallGpt2(), folder);
      const before = readdirSync(folder).map((name) => readFileSync(path.join(folder, name)).toString('base64'));
      expect((await failure(savePretrained(smallGpt2({ vocabSize: 5000 }), folder))).code).toBe('E_DISK_FULL');
      expect(readdirSync(folder)).toEqual(['config.json', 'model.safetensors']);
      expect(readdirSync(folder).map((name) => readFileSync(path.join(folder, name)).toString('base64'))).toEqual(
        before,
      );
    } finally {
      disk.unmount();
    }
  });

  it('weights in memory are not what a folder is made of', async () => {
    const bytes = await safetensorsBytes([]);
    const folder = temporaryFolder();
    mkdirSync(weights(folder));
    writeFileSync(path.join(folder, 'config.json'), bytes);
    expect((await failure(loadPretrained(folder))).code).toBe('E_JSON');
  });
});
