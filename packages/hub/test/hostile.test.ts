import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint, readSafetensors } from '@tesserae/core';
import { loadPretrained, savePretrained } from '@tesserae/hub';
import { failure, smallGpt2, temporaryFolder } from './models';

const data = path.join(process.env.TESSERAE_TEST_DATA ?? '../shared/data', 'weights/model2vec');

let folder: string;
beforeAll(() => tf.setBackend('cpu'));
beforeEach(async () => {
  folder = temporaryFolder();
  await savePretrained(smallGpt2(), folder);
});

const write = (name: string, text: string | Uint8Array): void => writeFileSync(path.join(folder, name), text);
const config = (): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
const codeOf = async (): Promise<string> => {
  const before = tf.memory().numTensors;
  const { code } = await failure(loadPretrained(folder));
  expect(tf.memory().numTensors).toBe(before);
  return code;
};
const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('config.json from somebody who means harm', () => {
  it.each<[string, () => string | Uint8Array, string]>([
    ['nested deeply', () => `{"model_type":"gpt2","x":${deep(100_000)}}`, 'E_JSON'],
    ['of a million values', () => `{"model_type":"gpt2","x":[${'0,'.repeat(1_100_000)}0]}`, 'E_JSON'],
    ['of 65 MB', () => new Uint8Array(65 * 2 ** 20).fill(0x20), 'E_CONFIG_SIZE'],
    ['that is no UTF-8', () => new Uint8Array([0x7b, 0xff, 0x7d]), 'E_JSON'],
    ['with a field twice', () => '{"model_type":"gpt2","model_type":"llama"}', 'E_JSON'],
    ['that is a list', () => '[]', 'E_CONFIG_FIELD'],
    ['without a type', () => '{"__proto__":{"model_type":"gpt2"}}', 'E_UNSUPPORTED'],
    ['with the type of a prototype', () => '{"model_type":"constructor"}', 'E_UNSUPPORTED'],
    ['with more layers than anybody has', () => JSON.stringify({ ...config(), n_layer: 2 ** 40 }), 'E_MISSING_TENSORS'],
    [
      'with a vocabulary that no file covers',
      () => JSON.stringify({ ...config(), vocab_size: 2 ** 45 }),
      'E_TENSOR_SHAPE',
    ],
    ['with a width that is no number', () => '{"model_type":"gpt2","n_embd":"8"}', 'E_CONFIG_FIELD'],
  ])('%s', async (_, text, code) => {
    write('config.json', text());
    expect(await codeOf()).toBe(code);
  });

  it('changes no prototype, and goes out as it came', async () => {
    const text = JSON.stringify(config()).replace(
      '{',
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},',
    );
    write('config.json', text);
    const model = await loadPretrained(folder);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((model.config as { polluted?: unknown }).polluted).toBeUndefined();
    const out = temporaryFolder();
    await savePretrained(model, out);
    expect(readFileSync(path.join(out, 'config.json'), 'utf8')).toBe(text);
    await savePretrained({ ...model, config: { ...model.config, eosTokenId: 3 } }, out);
    expect(readFileSync(path.join(out, 'config.json'), 'utf8')).toContain('"eos_token_id": 3');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('tokenizer.json from somebody who means harm', () => {
  it.each<[string, () => string | Uint8Array, string]>([
    ['nested deeply', () => `{"model":${deep(100_000)}}`, 'E_JSON'],
    ['of nine million values', () => `{"model":[${'0,'.repeat(9_000_000)}0]}`, 'E_JSON'],
    ['of 129 MB', () => new Uint8Array(129 * 2 ** 20).fill(0x20), 'E_CONFIG_SIZE'],
    ['that is no UTF-8', () => new Uint8Array([0x7b, 0xff, 0x7d]), 'E_JSON'],
    ['with a token twice', () => '{"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}}', 'E_JSON'],
    ['with ids beyond all bounds', () => '{"model":{"type":"BPE","vocab":{"a":1e15},"merges":[]}}', 'E_TOKENIZER_JSON'],
    [
      'with an added token as long as a book',
      () =>
        JSON.stringify({
          added_tokens: [{ id: 1, content: 'x'.repeat(100_000) }],
          model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
        }),
      'E_TOKENIZER_JSON',
    ],
    ['with a prototype for a model', () => '{"__proto__":{"model":{}}}', 'E_TOKENIZER_JSON'],
  ])('%s', async (_, text, code) => {
    write('tokenizer.json', text());
    expect(await codeOf()).toBe(code);
    expect(({} as { model?: unknown }).model).toBeUndefined();
  });
});

describe('links out of the folder', () => {
  it('are not followed: what is read goes out again', async () => {
    const secret = path.join(temporaryFolder(), 'secret');
    writeFileSync(secret, '{"secret":1}');
    for (const name of ['tokenizer_config.json', 'chat_template.jinja', 'generation_config.json']) {
      const other = temporaryFolder();
      for (const file of ['config.json', 'model.safetensors'])
        copyFileSync(path.join(folder, file), path.join(other, file));
      symlinkSync(secret, path.join(other, name));
      expect((await failure(loadPretrained(other))).code).toBe('E_PATH_ESCAPE');
    }
  });

  it('nor for shards, but those of a download cache are', async () => {
    const shards = temporaryFolder();
    await savePretrained(smallGpt2(), shards, { maxShardBytes: 2000 });
    expect(readdirSync(shards).length).toBeGreaterThan(3);
    const layOut = (to: string, blobs: string): string => {
      mkdirSync(to, { recursive: true });
      mkdirSync(blobs, { recursive: true });
      for (const file of readdirSync(shards)) {
        copyFileSync(path.join(shards, file), path.join(blobs, file));
        symlinkSync(path.join(blobs, file), path.join(to, file));
      }
      return to;
    };
    const cache = temporaryFolder();
    const snapshot = layOut(path.join(cache, 'snapshots', 'abc'), path.join(cache, 'blobs'));
    await (await openCheckpoint(snapshot)).close();
    await loadPretrained(snapshot);
    const elsewhere = layOut(path.join(cache, 'other'), path.join(cache, 'blobs'));
    expect((await failure(openCheckpoint(elsewhere))).code).toBe('E_PATH_ESCAPE');
  });
});

describe.skipIf(!existsSync(data))('weights that somebody else made', () => {
  it('read the same in 32 and 16 bits, and as the integers they are in 8', async () => {
    const read = async (type: string): Promise<{ dtype: string; values: number[] }> => {
      const { tensors } = await readSafetensors(path.join(data, `model.${type}.safetensors`));
      const { dtype, data: values } = tensors.get('embeddings')!;
      return { dtype, values: Array.from(values as Float32Array) };
    };
    const [wide, half, small] = await Promise.all(['float32', 'float16', 'int8'].map(read));
    expect([wide!.dtype, half!.dtype, small!.dtype]).toEqual(['F32', 'F16', 'I8']);
    const worst = wide!.values.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - half!.values[i]!) / (Math.abs(value) + 1e-3)),
      0,
    );
    expect(worst).toBeLessThan(2 ** -10);
    const scale = Math.max(...wide!.values.map(Math.abs)) / 127;
    expect(Math.max(...wide!.values.map((value, i) => Math.abs(value - small!.values[i]! * scale)))).toBeLessThan(
      scale,
    );
    expect(small!.values.every((value) => Number.isInteger(value) && Math.abs(value) <= 128)).toBe(true);
  });
});
