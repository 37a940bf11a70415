import { createKey } from '@tesserae/core';
import { createRegistry } from '@tesserae/registry';
import { describePluginContract } from '@tesserae/registry/testing';
import {
  augment,
  augmenterPlugins,
  augmentStream,
  characterDeletion,
  characterInsertion,
  characterSwap,
  keyboardSlips,
  misspellings,
  wordDeletion,
  wordMasking,
  wordSwap,
} from '@tesserae/trainer';
import type { Augmenter, TextExample } from '@tesserae/trainer';
import { describeAugmenterContract } from '@tesserae/trainer/testing';
import { describe, expect, it } from 'vitest';

const texts = [
  'the experience was definitely a success, and everybody believed it until the beginning of winter',
  'Naïve readers 👍🏽 recommend the café; they receive a different address tomorrow!',
];
const plugins = [
  characterDeletion,
  characterInsertion,
  characterSwap,
  keyboardSlips,
  misspellings,
  wordDeletion,
  wordMasking,
  wordSwap,
] as const;
for (const plugin of plugins) {
  describeAugmenterContract({ name: plugin().name, create: plugin, texts }, { describe, it });
  describePluginContract<Augmenter>(plugin, { describe, it });
}

const made = async (augmenter: Augmenter, text: string, seed = 0): Promise<string | undefined> =>
  (await augmenter.augment({ text }, createKey(seed)))[0]?.text;

describe('noise', () => {
  it('slips to keys that touch', async () => {
    for (let seed = 0; seed < 20; seed++) {
      expect(await made(keyboardSlips(), 'a', seed)).toMatch(/^[qwsz]$/);
      expect(await made(keyboardSlips(), 'G', seed)).toMatch(/^[TYFHVB]$/);
    }
    expect(await made(keyboardSlips(), '1234 é')).toBeUndefined();
  });

  it('misspells what people misspell, in the case it finds', async () => {
    const spelled = async (text: string): Promise<string | undefined> => made(misspellings(), text);
    expect(await spelled('Receive')).toBe('Recieve');
    expect(await spelled('SEPARATE')).toBe('SEPERATE');
    expect(await spelled('importance')).toBe('importence');
    expect(await spelled('knight')).toBe('night');
    expect(await spelled('cat')).toBeUndefined();
  });

  it('deletes, swaps and inserts characters, and leaves numbers alone', async () => {
    expect(await made(characterDeletion(), 'ab')).toBe('a');
    expect(await made(characterSwap(), 'ab')).toBe('ba');
    expect(await made(characterSwap(), 'aa 12')).toBeUndefined();
    expect(await made(characterInsertion(), 'ab')).toMatch(/^a[a-z]b$/);
    expect(await made(characterDeletion(), '12 345')).toBeUndefined();
  });

  it('changes as many places as the rate says', async () => {
    const text = 'abcdefghij'.repeat(4);
    const changed = async (rate: number): Promise<number> => {
      const other = (await made(keyboardSlips({ rate }), text)) as string;
      return Array.from(other).filter((letter, i) => letter !== text[i]).length;
    };
    expect([await changed(0.001), await changed(0.25), await changed(1)]).toEqual([1, 10, 40]);
  });

  it('deletes and swaps words, and never a word that turns a statement round', async () => {
    expect(await made(wordDeletion(), 'one two')).toMatch(/^(one|two)$/);
    expect(await made(wordDeletion({ rate: 1 }), 'it is not a good day, ever.')).toBe('not,.');
    expect(await made(wordDeletion({ rate: 1 }), 'one two three')).toMatch(/^(one|two|three)$/);
    expect(await made(wordDeletion(), "don't")).toBeUndefined();
    expect(await made(wordSwap(), 'one, two')).toBe('two, one');
    expect(await made(wordSwap(), 'one')).toBeUndefined();
    expect(await made(wordMasking({ mask: '_', rate: 1 }), 'one, two')).toBe('_, _');
    expect(await made(wordMasking({ mask: '_', rate: 1, longestSpan: 9 }), 'one two', 1)).toMatch(/^_( _)?$/);
  });

  it('moves spans exactly', () => {
    const example: TextExample = { text: 'one two three', spans: [[8, 13, 'number']] };
    let count = 0;
    for (let seed = 0; seed < 10; seed++)
      for (const { text, spans } of wordDeletion().augment(example, createKey(seed)) as TextExample[]) {
        count++;
        expect(spans?.map(([start, end]) => text.slice(start, end))).toEqual(['three']);
      }
    expect(count).toBeGreaterThan(3); // none where it would have been all of the span
  });
});

describe('augment', () => {
  const rows = [
    { text: 'what a lovely day', label: 'glad' },
    { text: '42', label: 'none' },
  ];

  it('makes copies, and counts what could not be made', async () => {
    const { examples, counts } = await augment(rows, [keyboardSlips(), characterSwap()], { copies: 3, seed: 2 });
    expect(examples.map(({ label }) => label)).toEqual(['glad', 'glad', 'glad', 'glad', 'none']);
    expect(new Set(examples.map(({ text }) => text)).size).toBe(5);
    expect(counts).toMatchObject({ examples: 2, made: 3, missing: 3 });
    expect(counts.augmenters['keyboard-slips'].made + counts.augmenters['character-swap'].made).toBe(3);
    expect(counts.augmenters['keyboard-slips'].refused).toBe(3);
  });

  it('gives the same from lists and from streams, read only as far as asked for', async () => {
    let read = 0;
    async function* source(): AsyncGenerator<(typeof rows)[number]> {
      for (const row of rows) {
        read++;
        yield await Promise.resolve(row);
      }
    }
    const options = { copies: 2, seed: 3, use: 'all' } as const;
    const { examples } = await augment(rows, [keyboardSlips(), wordSwap()], options);
    const stream = augmentStream(source(), [keyboardSlips(), wordSwap()], options);
    const found: unknown[] = [];
    for await (const example of stream) {
      found.push(example);
      if (found.length === 1) expect(read).toBe(1);
    }
    expect(found).toEqual(examples);
    const other = await augment(rows, [keyboardSlips(), wordSwap()], { ...options, seed: 4 });
    expect(other.examples).not.toEqual(examples);
  });

  it('refuses what it cannot use', async () => {
    await expect(augment(rows, [])).rejects.toThrow(/E_AUGMENTERS: there is no augmenter/);
    await expect(augment(rows, [keyboardSlips as never])).rejects.toThrow(/mind the parentheses/);
    await expect(augment([{ text: 1 } as never], [keyboardSlips()])).rejects.toThrow(/E_EXAMPLE: the text .* is 1/);
    await expect(augment(rows, [keyboardSlips()], { copy: 2 } as never)).rejects.toThrow(/E_UNKNOWN_OPTION/);
    expect(() => keyboardSlips({ rate: 0 })).toThrow(/E_OPTION: the option 'rate' must be a number in \(0, 1\]/);
  });

  it('can be made by name', async () => {
    const kit = createRegistry(augmenterPlugins);
    expect((await kit.create('augmenter', 'keyboard-slips', { rate: 0.1 })).hyperparameters.rate).toBe(0.1);
  });
});
