import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { bert, createModel, disposeModel, embedTexts } from '@tesserae/core';
import { loadPretrained, savePretrained } from '@tesserae/hub';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failure, temporaryFolder } from './models';

const size = { vocabSize: 13, hiddenSize: 8, intermediateSize: 12, numHiddenLayers: 1, numAttentionHeads: 2 };
const type = 'sentence_transformers.models';
const modules = [
  { idx: 0, name: '0', path: '', type: `${type}.Transformer` },
  { idx: 1, name: '1', path: '1_Pooling', type: `${type}.Pooling` },
  { idx: 2, name: '2', path: '2_Normalize', type: `${type}.Normalize` },
];
const mean = { word_embedding_dimension: 8, pooling_mode_cls_token: false, pooling_mode_mean_tokens: true };
const ids = [[2, 5, 6, 7, 8, 3]];

let folder: string;
beforeAll(() => tf.setBackend('cpu'));
beforeEach(async () => {
  folder = temporaryFolder();
  const model = createModel(bert, { ...size, maxPositionEmbeddings: 16, head: 'none' }, { seed: 3 });
  await savePretrained(model, folder);
  disposeModel(model);
  mkdirSync(path.join(folder, '1_Pooling'));
});

const write = (name: string, content: unknown): void =>
  writeFileSync(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const read = (name: string, from = folder): unknown => JSON.parse(readFileSync(path.join(from, name), 'utf8'));
const embeddingOf = async (pooling: unknown, list: unknown = modules): Promise<unknown> => {
  write('modules.json', list);
  write('1_Pooling/config.json', pooling);
  const model = await loadPretrained(folder);
  disposeModel(model);
  return model.embedding;
};

describe('a folder of sentence-transformers', () => {
  it.each<[object, unknown]>([
    [mean, 'mean'],
    [{ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, 'cls'],
    [{ pooling_mode_cls_token: true }, ['cls', 'mean']], // the mean is on unless it is off
    [{ pooling_mode_lasttoken: true, pooling_mode_mean_tokens: false, include_prompt: true }, 'last'],
    [{ pooling_mode: 'weightedmean' }, 'weightedMean'],
    [{ pooling_mode: ['max', 'mean_sqrt_len_tokens'] }, ['max', 'meanSqrtLength']],
  ])('pools as %j', async (json, pooling) => {
    expect(await embeddingOf(json)).toEqual({ pooling, normalize: true });
    expect(await embeddingOf(json, modules.slice(0, 2))).toEqual({ pooling, normalize: false });
  });

  it('says how embedTexts makes vectors, and what a call says comes first', async () => {
    write('modules.json', modules.slice(0, 2));
    write('1_Pooling/config.json', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false });
    write('sentence_bert_config.json', { max_seq_length: 4, do_lower_case: false });
    const model = await loadPretrained(folder);
    expect(model.embedding).toEqual({ pooling: 'cls', normalize: false, maxTokens: 4 });
    const bare = { ...model, embedding: undefined };
    const [own] = await embedTexts(model, ids);
    const [asked] = await embedTexts(bare, [[2, 5, 6, 3]], { pooling: 'cls', normalize: false });
    expect([...own]).toEqual([...asked]);
    const [other] = await embedTexts(model, ids, { pooling: 'mean', normalize: true, maxTokens: 16 });
    expect([...other]).toEqual([...(await embedTexts(bare, ids))[0]]);
    disposeModel(model);
  });

  it('goes back out as it came, and as the model says where it has changed', async () => {
    write('modules.json', `${JSON.stringify(modules, null, 4)}\n`);
    write('1_Pooling/config.json', mean);
    const model = await loadPretrained(folder);
    const copy = temporaryFolder();
    await savePretrained(model, copy);
    for (const name of ['modules.json', '1_Pooling/config.json'])
      expect(readFileSync(path.join(copy, name))).toEqual(readFileSync(path.join(folder, name)));
    const changed = { pooling: ['cls', 'max'], normalize: false, maxTokens: 9 } as const;
    await savePretrained({ ...model, embedding: changed }, copy);
    expect(read('1_Pooling/config.json', copy)).toMatchObject({
      word_embedding_dimension: 8,
      pooling_mode_max_tokens: true,
    });
    const again = await loadPretrained(copy);
    expect(again.embedding).toEqual(changed);
    disposeModel(model);
    disposeModel(again);
  });

  it('without pooling says nothing', async () => {
    expect(await embeddingOf(mean, modules.slice(0, 1))).toBeUndefined();
  });
});

describe('refuses', () => {
  it.each<[string, string, unknown, string, RegExp]>([
    ['broken modules', 'modules.json', '[{', 'E_JSON', /modules.json/],
    ['modules that are no list', 'modules.json', {}, 'E_SENTENCE_CONFIG', /no list/],
    ['an entry without type', 'modules.json', [null], 'E_SENTENCE_CONFIG', /entry 0/],
    [
      'a module it cannot do',
      'modules.json',
      [...modules, { path: '3', type: 'a.Dense' }],
      'E_SENTENCE_CONFIG',
      /Dense/,
    ],
    ['a folder elsewhere', 'modules.json', [{ path: '../x', type: 'Pooling' }], 'E_SENTENCE_CONFIG', /"\.\.\/x"/],
    ['broken pooling', '1_Pooling/config.json', '{', 'E_JSON', /1_Pooling/],
    ['pooling that is no object', '1_Pooling/config.json', [], 'E_SENTENCE_CONFIG', /no object/],
    ['an unknown flag', '1_Pooling/config.json', { pooling_mode_attention: true }, 'E_SENTENCE_CONFIG', /_attention/],
    ['an unknown name', '1_Pooling/config.json', { pooling_mode: 'constructor' }, 'E_SENTENCE_CONFIG', /constructor/],
    [
      'no pooling at all',
      '1_Pooling/config.json',
      { pooling_mode_mean_tokens: false },
      'E_SENTENCE_CONFIG',
      /asks for/,
    ],
    ['an impossible length', 'sentence_bert_config.json', { max_seq_length: -1 }, 'E_SENTENCE_CONFIG', /-1/],
  ])('%s', async (_name, file, content, code, message) => {
    write('modules.json', modules);
    write('1_Pooling/config.json', mean);
    write(file, content);
    const before = tf.memory().numTensors;
    const found = await failure(loadPretrained(folder));
    expect(found).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('a pooling whose config is missing', async () => {
    write('modules.json', modules);
    rmSync(path.join(folder, '1_Pooling'), { recursive: true });
    expect((await failure(loadPretrained(folder))).code).toBe('E_SENTENCE_CONFIG');
  });
});
