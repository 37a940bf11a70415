import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { disposeModel, generateAll } from '@tesserae/core';
import { loadPretrained, readGenerationConfig, savePretrained } from '@tesserae/hub';
import { applyChatTemplate, trainCharacterTokenizer } from '@tesserae/tokenizer';
import { isTesseraeError } from '@tesserae/registry';
import { beforeAll, describe, expect, it } from 'vitest';
import { failure, smallGpt2, temporaryFolder } from './models';

beforeAll(() => tf.setBackend('cpu'));

/** A saved model with other files beside it. */
async function folderWith(files: Record<string, unknown>): Promise<string> {
  const folder = temporaryFolder();
  const model = { ...smallGpt2({ initializerRange: 0.5 }), tokenizer: trainCharacterTokenizer('user: Hi') };
  await savePretrained(model, folder);
  disposeModel(model);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

describe('readGenerationConfig', () => {
  it('reads every field that generate knows', () => {
    const json = {
      _from_model_config: true,
      transformers_version: '5.18.0',
      trust_remote_code: false,
      pad_token_id: 0,
      max_new_tokens: 9,
      do_sample: true,
      temperature: 0.6,
      top_k: 0,
      top_p: 0.9,
      num_beams: 2,
      early_stopping: 'never',
      bad_words_ids: [[3], [1, 2]],
      sequence_bias: [[[4], -1]],
      exponential_decay_length_penalty: [3, 1.2],
      eos_token_id: [1, 2],
      forced_eos_token_id: 1,
      decoder_start_token_id: 5,
      stop_strings: ['END'],
      penalty_alpha: null,
      num_beam_groups: 1,
    };
    expect(readGenerationConfig(json)).toEqual({
      maxNewTokens: 9,
      doSample: true,
      temperature: 0.6,
      topK: 0,
      topP: 0.9,
      numBeams: 2,
      earlyStopping: 'never',
      badWords: [[3], [1, 2]],
      sequenceBias: [[[4], -1]],
      exponentialDecayLengthPenalty: [3, 1.2],
      stopTokens: [1, 2],
      forcedEosTokenId: [1],
      decoderStartTokenId: 5,
      stop: ['END'],
    });
    expect(readGenerationConfig({})).toEqual({ doSample: false });
    expect(readGenerationConfig({ do_sample: true })).toEqual({ doSample: true, topK: 50 });
  });

  it.each([
    [{ temperature: '0.7' }, /temperature is "0.7"/],
    [{ eos_token_id: 1.5 }, /eos_token_id is 1.5/],
    [{ bad_words_ids: [3] }, /bad_words_ids is \[3\]/],
    [{ early_stopping: 'soon' }, /early_stopping/],
    [{ penalty_alpha: 0.6, num_beam_groups: 3 }, /asks for penalty_alpha, num_beam_groups/],
  ])('refuses %j by name', (json, message) => {
    try {
      readGenerationConfig(json);
      expect.unreachable('it should have failed');
    } catch (error) {
      expect(isTesseraeError(error, 'E_GENERATION_CONFIG')).toBe(true);
      expect((error as Error).message).toMatch(message);
    }
  });
});

describe('a folder', () => {
  it('gives its model its own options, which a call can override', async () => {
    const folder = await folderWith({ 'generation_config.json': { max_new_tokens: 3, top_k: 50, eos_token_id: [] } });
    const model = await loadPretrained(folder);
    expect(model.generation).toEqual({ maxNewTokens: 3, topK: 50, doSample: false, stopTokens: [] });
    const [{ ids }] = await generateAll(model, [1, 2]);
    expect(ids).toEqual((await generateAll({ ...model, generation: undefined }, [1, 2], { maxNewTokens: 3 }))[0].ids);
    expect((await generateAll(model, [1, 2], { maxNewTokens: 5 }))[0].ids.length).toBe(5);
    const copy = temporaryFolder();
    await savePretrained(model, copy);
    const file = 'generation_config.json';
    expect(readFileSync(path.join(copy, file))).toEqual(readFileSync(path.join(folder, file)));
    await savePretrained({ ...model, generation: { ...model.generation, topK: 7, maxNewTokens: undefined } }, copy);
    const changed = JSON.parse(readFileSync(path.join(copy, file), 'utf8')) as unknown;
    expect(changed).toEqual({ top_k: 7, eos_token_id: [] });
    disposeModel(model);
    const fresh = { ...smallGpt2(), generation: { doSample: true, temperature: 0.5, stopTokens: [3], logits: true } };
    await savePretrained(fresh, copy);
    expect(JSON.parse(readFileSync(path.join(copy, file), 'utf8'))).toEqual({
      do_sample: true,
      temperature: 0.5,
      eos_token_id: 3,
    });
    disposeModel(fresh);
  });

  it('of an older version has them in config.json', async () => {
    const folder = await folderWith({});
    const plain = await loadPretrained(folder);
    expect(plain.generation).toBeUndefined();
    disposeModel(plain);
    const file = path.join(folder, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...config, num_beams: 4, length_penalty: 0.5 }));
    const old = await loadPretrained(folder);
    expect(old.generation).toMatchObject({ numBeams: 4, lengthPenalty: 0.5, doSample: false });
    disposeModel(old);
  });

  it('gives its tokenizer the chat template', async () => {
    const template = '{{ bos_token }}{{ messages[0].content }}';
    const messages = [{ role: 'user', content: 'Hi' }];
    const config = { 'tokenizer_config.json': { chat_template: template, bos_token: '<s>' } };
    const write = async (files: Record<string, unknown>): Promise<string> => {
      const model = await loadPretrained(await folderWith(files));
      disposeModel(model);
      return applyChatTemplate(model.tokenizer!, messages);
    };
    expect(await write(config)).toBe('<s>Hi');
    expect(await write({ ...config, 'chat_template.jinja': 'other {{ bos_token }}' })).toBe('other <s>');
    expect(await write({ 'special_tokens_map.json': { bos_token: { content: 'B' } }, 'chat_template.json': { chat_template: template } })).toBe('BHi'); // prettier-ignore
  });

  it('with files that are broken is refused', async () => {
    const load = async (files: Record<string, unknown>): Promise<string> =>
      (await failure(loadPretrained(await folderWith(files)))).code;
    expect(await load({ 'generation_config.json': '{' })).toBe('E_JSON');
    expect(await load({ 'generation_config.json': '[]' })).toBe('E_CONFIG_FIELD');
    expect(await load({ 'generation_config.json': { top_p: 'much' } })).toBe('E_GENERATION_CONFIG');
    expect(await load({ 'tokenizer_config.json': { chat_template: 5 } })).toBe('E_CHAT_TEMPLATE');
  });
});
