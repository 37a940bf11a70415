import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { tokenLabeling } from '@tesserae/trainer';
import type { LabelledTokens, Objective } from '@tesserae/trainer';
import { describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeLearners, encoder, rowOf, settings, wordPieces } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
const tagger = (): ReturnType<typeof encoder> => encoder('token-classification', 5, { classifierDropout: 0 });
const tagged = ['Mia went home', 'Tom saw Paris', 'Anna lives in Paris', 'the dog saw Mia'].flatMap((text) => {
  const words = text.split(' ');
  const tags = words.map((word) => (/Mia|Tom|Anna/.test(word) ? 'B-PER' : word === 'Paris' ? 'B-LOC' : 'O'));
  return [
    { words, tags },
    { words: [...words, 'happily'], tags: [...tags, 0] },
  ];
});

describeObjectiveContract(
  { name: 'token-classification', create: () => tokenLabeling({ labels }), model: tagger, data: tagged, steps: 60 },
  { describe, it },
);
describePluginContract<Objective>(tokenLabeling, {
  describe,
  it,
  options: [{ labels }],
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});

/** Tokens of a row with their labels, padding left out. */
async function read(row: LabelledTokens, more: object = {}): Promise<string[]> {
  const { sampler } = await tokenLabeling({ labels, ...more }).prepare(tagger(), [row, row], settings(2));
  const { inputIds, labels: found } = sampler(0);
  const ids = rowOf(inputIds, 0, 2);
  return ids.map((id, i) => `${wordPieces().idToToken(id)} ${labels[rowOf(found, 0, 2)[i]] ?? '-'}`);
}

describe('tags of tokens', () => {
  it("stand on each word's first token", async () => {
    const row = { words: ['Tom', 'Smith', 'unhappiness'], tags: ['B-PER', 'I-PER', 'O'] };
    const tokens = await read(row);
    expect(tokens[0]).toBe('[CLS] -');
    expect(tokens[tokens.length - 1]).toBe('[SEP] -');
    const inside = tokens.slice(1, -1);
    expect(inside.length).toBeGreaterThan(3); // words in parts
    expect(inside.filter((token) => !token.startsWith('##')).map((token) => token.split(' ')[1])).toEqual(row.tags);
    expect(inside.filter((token) => token.startsWith('##')).every((token) => token.endsWith(' -'))).toBe(true);
    const everywhere = (await read(row, { labelContinuations: true })).slice(1, -1);
    const names = everywhere.map((token) => token.split(' ')[1]);
    expect(names.filter((one) => one === 'B-PER')).toHaveLength(1);
    expect(names).not.toContain('-');
    expect(names.slice(-2)).toEqual(['O', 'O']);
  });

  it('follow from spans of characters', async () => {
    const text = 'Tom Smith lives in New York';
    const spans = [
      [0, 9, 'PER'],
      [19, 27, 'LOC'],
    ] as const;
    const first = (await read({ text, spans })).filter((token) => !/^(##|\[)/.test(token));
    expect(first.map((token) => token.split(' ')[1])).toEqual(['B-PER', 'I-PER', 'O', 'O', 'B-LOC', 'I-LOC']);
  });

  const good = { words: ['Mia'], tags: ['B-PER'] };
  it.each<[string, unknown, RegExp]>([
    ['a tag too few', { words: ['a', 'b'], tags: ['O'] }, /row 1 has 2 words and 1 tags/],
    ['an unknown tag', { words: ['a'], tags: ['B-ORG'] }, /word 0 of row 1 has the tag "B-ORG"; known are O, B-PER/],
    ['a class out of range', { words: ['a'], tags: [5] }, /has the tag 5/],
    ['an empty word', { words: [''], tags: ['O'] }, /word 0 of row 1 is no text/],
    ['a span outside the text', { text: 'Mia', spans: [[0, 4, 'PER']] }, /span \[0,4,"PER"\] in a text of 3/],
    ['a span the wrong way round', { text: 'Mia', spans: [[2, 1, 'PER']] }, /in a text of 3/],
    [
      'spans that overlap',
      {
        text: 'Mia ran',
        spans: [
          [0, 3, 'PER'],
          [2, 7, 'LOC'],
        ],
      },
      /overlap at 2/,
    ],
    ['a span of a kind unknown', { text: 'Mia', spans: [[0, 3, 'ORG']] }, /needs the tag 'ORG'/],
    ['a span between words', { text: 'Mia ran', spans: [[3, 4, 'PER']] }, /3–4 of row 1 holds no word/],
    ['an empty text', { text: '', spans: [] }, /row 1 holds no token/],
  ])('refuse %s', async (_, row, message) => {
    const prepare = async (): Promise<unknown> => tokenLabeling({ labels }).prepare(tagger(), [good, row], settings(2));
    await expect(prepare).rejects.toThrow(message);
    await expect(prepare).rejects.toThrow('E_OBJECTIVE_DATA');
  });

  it('refuse a model with other classes, and labels twice', async () => {
    const prepare = async (): Promise<unknown> =>
      tokenLabeling({ labels: ['O', 'X'] }).prepare(tagger(), tagged, settings(2));
    await expect(prepare).rejects.toThrow(/E_OBJECTIVE_MODEL: there are 2 labels.*numLabels: 2/s);
    expect(() => tokenLabeling({ labels: ['O', 'O'] })).toThrow(/E_OPTION.*different names/);
  });
});
