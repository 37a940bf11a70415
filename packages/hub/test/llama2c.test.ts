import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, generateText } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { llama2c, loadLlama2c, loadPretrained, readLlama2cTokenizer, saveLlama2c, savePretrained } from '@tesserae/hub';
import { describePluginContract } from '@tesserae/registry/testing';
import { failure, smallGpt2, smallLlama, temporaryFolder, valuesOf } from './models';

const stories = path.join(process.env.TESSERAE_TEST_DATA ?? '../shared/data', 'weights/stories260K');
const checkpoint = path.join(stories, 'stories260K.bin');
const tokens = path.join(stories, 'tok512.bin');
const there = existsSync(checkpoint);

beforeAll(() => tf.setBackend('cpu'));

/** llama2.c's sizes: what it computes and nothing else. */
const plain = { rmsNormEpsilon: 1e-5, numKeyValueHeads: 1, eosTokenId: [2, 1], bosTokenId: 1 };
const fileIn = (folder: string): string => path.join(folder, 'model.bin');

/** The encoder of run.c, as its text says: the best score of all neighbours, the first of equals. */
function reference(file: string): (text: string) => number[] {
  const bytes = readFileSync(file);
  const pieces: { text: string; score: number }[] = [];
  for (let at = 4; at < bytes.length;) {
    const length = bytes.readInt32LE(at + 4);
    pieces.push({ score: bytes.readFloatLE(at), text: bytes.toString('utf8', at + 8, at + 8 + length) });
    at += 8 + length;
  }
  const ids = new Map(pieces.map(({ text }, id) => [text, id]));
  return (text) => {
    const found = text === '' ? [] : [ids.get(' ')!];
    for (const letter of text) {
      const id = ids.get(letter);
      if (id !== undefined) found.push(id);
      else for (const byte of Buffer.from(letter)) found.push(byte + 3);
    }
    for (;;) {
      let best = { score: -Infinity, id: -1, at: -1 };
      for (let i = 0; i + 1 < found.length; i++) {
        const id = ids.get(pieces[found[i]].text + pieces[found[i + 1]].text);
        if (id !== undefined && pieces[id].score > best.score) best = { score: pieces[id].score, id, at: i };
      }
      if (best.at < 0) return [1, ...found];
      found.splice(best.at, 2, best.id);
    }
  };
}

describe.skipIf(!there)('the trained stories model', () => {
  it('is read with its tokenizer, and says what it is known to say', async () => {
    const model = await loadLlama2c(checkpoint);
    expect(model.config).toMatchObject({ hiddenSize: 64, numHiddenLayers: 5, numKeyValueHeads: 4, vocabSize: 512 });
    const expected = readFileSync(path.join(stories, 'expected_greedy_200.txt'), 'utf8');
    const text = await generateText(model as unknown as Model, '', { maxNewTokens: 40, temperature: 0 });
    expect(expected.startsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(80);
    disposeModel(model);
  }, 60_000);

  it('goes out and comes back in each form: version 0 byte for byte', async () => {
    const model = await loadLlama2c(checkpoint);
    const folder = temporaryFolder();
    await saveLlama2c(model, fileIn(folder));
    const [ours, theirs] = [readFileSync(fileIn(folder)), readFileSync(checkpoint)];
    const angles = 512 * 8 * 4; // bytes of the two tables at the end, which C and JavaScript may round differently
    expect(ours.length).toBe(theirs.length);
    expect(ours.subarray(0, -angles).equals(theirs.subarray(0, -angles))).toBe(true);
    const table = (bytes: Buffer): Float32Array => new Float32Array(Uint8Array.from(bytes.subarray(-angles)).buffer);
    const [mine, wanted] = [table(ours), table(theirs)];
    expect(Math.max(...mine.map((value, i) => Math.abs(value - wanted[i])))).toBeLessThan(1e-4);

    const values = valuesOf(model);
    await saveLlama2c(model, fileIn(folder), { version: 1 });
    expect(valuesOf(await loadLlama2c(fileIn(folder)))).toEqual(values);
    for (const maxShardBytes of [undefined, 300_000]) {
      await savePretrained(model, folder, { maxShardBytes });
      expect(existsSync(path.join(folder, 'model.safetensors.index.json'))).toBe(maxShardBytes !== undefined);
      const back = await loadPretrained(folder);
      expect(valuesOf(back)).toEqual(values);
      expect([...back.tokenizer!.encode('Once upon a time')]).toEqual([...model.tokenizer!.encode('Once upon a time')]);
    }
  });

  it('encodes and decodes as run.c does', async () => {
    const tokenizer = await readLlama2cTokenizer(tokens, 512);
    const encode = reference(tokens);
    const story = readFileSync(path.join(stories, 'expected_greedy_200.txt'), 'utf8');
    const texts = [
      '',
      ' ',
      '  two',
      'Once upon a time',
      'née “quoted” — 名前 🙂',
      'aaaa bababa',
      'x\ny\tz',
      '<0x41>',
      story,
    ];
    for (let start = 0; start < story.length; start += 7) texts.push(story.slice(start, start + (start % 23)));
    for (const text of texts) {
      const ids = [...tokenizer.encode(text)];
      expect([text, ids]).toEqual([text, encode(text)]);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(text);
    }
  });

  it('is an importer that a registry holds', async () => {
    expect(await llama2c().recognizes(checkpoint)).toBe(true);
    expect(await llama2c().recognizes(tokens)).toBe(false);
    expect(await llama2c().recognizes(stories)).toBe(false);
    const model = await llama2c({ tokenizer: null }).load(checkpoint);
    expect(model.tokenizer).toBeUndefined();
    disposeModel(model);
  });
});

describePluginContract(llama2c, { describe, it });

describe('other versions and other files', () => {
  it('versions 0 and 1, with an output of its own or without', async () => {
    for (const tieWordEmbeddings of [true, false]) {
      const model = smallLlama({ ...plain, tieWordEmbeddings });
      for (const version of [0, 1] as const) {
        const file = fileIn(temporaryFolder());
        await saveLlama2c(model, file, { version });
        const back = await loadLlama2c(file);
        expect({ ...back.config }).toEqual({ ...model.config });
        expect(valuesOf(back)).toEqual(valuesOf(model));
      }
    }
  });

  it('version 2: numbers of 8 bits, a scale for each group', async () => {
    const model = smallLlama({ ...plain, tieWordEmbeddings: false });
    const file = fileIn(temporaryFolder());
    await saveLlama2c(model, file, { version: 1 });
    const whole = readFileSync(file);
    const norms = (2 * 2 + 1) * 8 * 4; // two a layer and the last
    const floats = new Float32Array(Uint8Array.from(whole.subarray(256 + norms)).buffer);
    const numbers = Int8Array.from(floats, (_, i) => (i % 255) - 127);
    const scales = Float32Array.from({ length: floats.length / 4 }, (_, i) => (i + 1) / 64);
    const header = Buffer.from(whole.subarray(0, 256));
    header.writeInt32LE(2, 4);
    header.writeInt32LE(4, 37);
    writeFileSync(
      file,
      Buffer.concat([
        header,
        whole.subarray(256, 256 + norms),
        Buffer.from(numbers.buffer),
        Buffer.from(scales.buffer),
      ]),
    );
    const back = await loadLlama2c(file);
    const widened = Array.from(numbers, (number, i) => Math.fround(number * scales[Math.floor(i / 4)]));
    expect(valuesOf(back)['tokenEmbedding.weight']).toEqual(widened.slice(0, 13 * 8));
    expect(valuesOf(back)['outputEmbedding.weight']).toEqual(widened.slice(-13 * 8));
    expect(valuesOf(back)['finalNorm.weight']).toEqual(valuesOf(model)['finalNorm.weight']);
  });

  it('refuses what is damaged, of another length or not to be computed', async () => {
    const folder = temporaryFolder();
    const file = fileIn(folder);
    expect((await failure(loadLlama2c(file))).code).toBe('E_NOT_FOUND');
    expect((await failure(loadLlama2c(''))).code).toBe('E_PATH');
    expect((await failure(loadLlama2c(file, { version: 1 } as object))).code).toBe('E_UNKNOWN_OPTION');
    mkdirSync(path.join(folder, 'inner'));
    expect((await failure(loadLlama2c(path.join(folder, 'inner')))).code).toBe('E_LLAMA2C');
    await saveLlama2c(smallLlama(plain), file, { version: 1 });
    const good = readFileSync(file);
    const damages: [number, number, RegExp][] = [
      [4, 9, /version 9/],
      [8, 0, /dim as 0/],
      [12, -5, /hidden_dim as -5/],
      [16, 2 ** 31 - 1, /n_layers/],
      [20, 3, /does not go into 3 heads/],
      [28, 2 ** 24, /takes \d+ bytes, the file has/],
    ];
    for (const [at, value, message] of damages) {
      const bytes = Buffer.from(good);
      bytes.writeInt32LE(value, at);
      writeFileSync(file, bytes);
      const found = await failure(loadLlama2c(file));
      expect(found.code).toBe('E_LLAMA2C');
      expect(found.message).toMatch(message);
    }
    writeFileSync(file, good);
    for (const length of [good.length - 1, 200, 20, 0]) {
      truncateSync(file, length);
      expect((await failure(loadLlama2c(file))).code).toBe('E_LLAMA2C');
    }
    expect((await failure(saveLlama2c(smallGpt2() as never, file))).message).toMatch(/the model is a gpt2/);
    expect((await failure(saveLlama2c(smallLlama(), file))).message).toMatch(/rmsNormEpsilon is 0.000001, not 0.00001/);
    expect((await failure(saveLlama2c(smallLlama(plain), file, { version: 2 as 1 }))).code).toBe('E_UNKNOWN_OPTION');
  });

  it.skipIf(!there)('refuses a tokenizer that does not fit', async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'tokenizer.bin');
    expect((await failure(readLlama2cTokenizer(file, 512))).code).toBe('E_NOT_FOUND');
    copyFileSync(tokens, file);
    expect((await failure(readLlama2cTokenizer(file, 511))).message).toMatch(/bytes follow its 511 tokens/);
    expect((await failure(readLlama2cTokenizer(file, 513))).message).toMatch(/token 512 of 513 is not whole/);
    const bytes = readFileSync(file);
    bytes[12] = 0xff;
    writeFileSync(file, bytes);
    expect((await failure(readLlama2cTokenizer(file, 512))).code).toBe('E_LLAMA2C_TOKENIZER');
    truncateSync(file, 3);
    expect((await failure(readLlama2cTokenizer(file, 512))).code).toBe('E_LLAMA2C_TOKENIZER');
  });
});
