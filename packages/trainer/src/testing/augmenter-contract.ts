import assert from 'node:assert/strict';
import { createKey, foldIn } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import type { Augmenter, InsideSpans, TextExample } from '../augmentation/index';
import type { TestRunner } from './optimizer-contract';

/** What a contract needs to know of an augmenter. */
export interface AugmenterContract {
  readonly name: string;
  /** With these options and otherwise as its users make it. */
  create(options?: { insideSpans?: InsideSpans }): Augmenter;
  /** Texts of which it can make others. */
  readonly texts: readonly string[];
  /** Whether it makes one and the same of a text whatever the key: false. */
  readonly sameForEveryKey?: boolean;
  /** Whether it can leave spans as they are, by `insideSpans: 'refuse'`: true. */
  readonly refusesInsideSpans?: boolean;
}

const oddTexts = [
  '',
  ' ',
  '\n',
  '…',
  '42',
  '👩‍👩‍👧',
  'e\u0301',
  '👍🏽 naïve café 你好',
  'ﬁ ß İ',
  '\ud83d',
  'not',
  'a\u0000b',
];

/** Labelled spans over every word, over all neighbours, and over all of a text. */
function withSpans(text: string): TextExample {
  const words = Array.from(text.matchAll(/\S+/g), ({ 0: word, index }) => [index, index + word.length] as const);
  const pairs = words.slice(1).map((word, i) => [words[i][0], word[1], 'pair'] as const);
  const whole = text.length > 0 ? [[0, text.length, 'whole'] as const] : [];
  return { text, label: 'kept', spans: [...words.map(([a, b]) => [a, b, 'word'] as const), ...pairs, ...whole] };
}

/** One word is labelled, the others are free. */
function oneSpan(text: string, which: number): TextExample {
  const words = Array.from(text.matchAll(/\S+/g));
  const { 0: word, index } = words[which % words.length];
  return { text, spans: [[index, index + word.length, word]] };
}

/**
 * The tests that every augmenter passes: new texts that follow from example and key alone, with labels, spans and all else
 * carried along; spans that lie in the new text and hold something; whole characters; coded errors for what is no example.
 *
 * @param contract the augmenter, and texts of which it can make others
 * @param runner `describe` and `it` of the test runner
 *
 * @example
 * ```ts
 * import { characterSwap } from '@tesserae/trainer';
 * import { describeAugmenterContract } from '@tesserae/trainer/testing';
 * const names: string[] = [];
 * describeAugmenterContract(
 *   { name: 'character-swap', create: characterSwap, texts: ['one two'] },
 *   { describe: (_, body) => body(), it: (name) => void names.push(name) },
 * );
 * console.log(names.length > 3); // → true
 * ```
 */
export function describeAugmenterContract(contract: AugmenterContract, { describe, it }: TestRunner): void {
  const { name, create, texts, sameForEveryKey = false, refusesInsideSpans = true } = contract;
  const keys = Array.from({ length: 8 }, (_, i) => foldIn(createKey(5), i));

  describe(`augmenter contract: ${name}`, () => {
    it('makes another text of each, with label and row carried along, and leaves the example as it is', async () => {
      const one = create();
      assert.equal(one.name, name);
      for (const text of texts) {
        const example = Object.freeze({ text, label: 1, id: 'row' });
        const [made] = await one.augment(example, keys[0]);
        assert.ok(made !== undefined, `nothing was made of ${JSON.stringify(text)}`);
        assert.notEqual(made.text, text);
        assert.deepEqual({ ...made, text: '' }, { ...example, text: '' });
      }
    });

    it('follows from example and key alone', async () => {
      const one = create();
      const late = await one.augment({ text: texts[0] }, keys[3]);
      for (const key of keys) await one.augment({ text: texts[texts.length - 1] }, key);
      assert.deepEqual(await one.augment({ text: texts[0] }, keys[3]), late);
      assert.deepEqual(await create().augment({ text: texts[0] }, keys[3]), late);
      const made = new Set<string>();
      for (const text of texts)
        for (const key of keys) for (const { text: other } of await one.augment({ text }, key)) made.add(other);
      if (sameForEveryKey) assert.ok(made.size >= 1);
      else assert.ok(made.size > texts.length, `${keys.length} keys gave ${made.size} texts`);
    });

    it('keeps every span in the text, with something in it, and whole characters', async () => {
      const one = create(); // once: some load a lexicon
      for (const text of [...texts, ...oddTexts]) {
        const example = withSpans(text);
        for (const key of keys)
          for (const { text: made, spans = [], label } of await one.augment(example, key)) {
            assert.equal(label, 'kept');
            assert.deepEqual(
              spans.map(([, , what]) => what),
              example.spans?.map(([, , what]) => what),
            );
            for (const [start, end] of spans) {
              assert.ok(start >= 0 && start < end && end <= made.length, `${start} to ${end} of ${made.length}`);
              if (text.trim() !== '') assert.notEqual(made.slice(start, end).trim(), '');
            }
            if (!/\p{Surrogate}/u.test(text)) assert.ok(!/\p{Surrogate}/u.test(made), `half a character: ${made}`);
          }
      }
    });

    if (refusesInsideSpans)
      it('leaves the text of spans alone when it is told to', async () => {
        const one = create({ insideSpans: 'refuse' });
        for (const text of texts)
          for (let i = 0; i < keys.length; i++)
            for (const made of await one.augment(oneSpan(text, i), keys[i]))
              for (const [start, end, word] of made.spans ?? []) assert.equal(made.text.slice(start, end), word);
      });

    it('refuses what is no example', async () => {
      const wrong: unknown[] = [undefined, {}, { text: 1 }, { text: 'a', spans: [[0, 2, 'x']] }];
      wrong.push({ text: 'ab', spans: 'x' }, { text: 'ab', spans: [[1, 1, 'x']] }, { text: 'ab', spans: [[0, 1]] });
      for (const example of wrong)
        await assert.rejects(
          async () => create().augment(example as TextExample, keys[0]),
          (error) => isTesseraeError(error, 'E_EXAMPLE'),
        );
    });
  });
}
