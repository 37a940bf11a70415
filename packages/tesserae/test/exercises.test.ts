import { describe, expect, it } from 'vitest';
import { generateDates } from '../src/exercises/generateDates';
import { generateRiddles } from '../src/exercises/generateRiddles';
import { generateSums } from '../src/exercises/generateSums';

describe('exercises', () => {
  it.each([
    ['dates', () => generateDates({ count: 3000, seed: 2 }).map(({ target }) => target)],
    ['sums', () => generateSums({ count: 3000, seed: 2 }).map(({ prompt }) => prompt)],
    ['riddles', () => generateRiddles({ count: 3000, seed: 2 }).map(({ text }) => text.slice(0, text.indexOf('. it')))],
  ])('%s come once each, and the same again from the same seed', (name, make) => {
    const all = make();
    expect(make()).toEqual(all);
    if (name !== 'riddles') expect(new Set(all).size).toBe(all.length);
  });

  it('dates are the days that they say', () => {
    for (const { source, target } of generateDates({ count: 500, seed: 1 })) {
      const dotted = /^(\d+)\.(\d+)\.(\d{4})$/.exec(source);
      const read = dotted ? Date.UTC(+dotted[3], +dotted[2] - 1, +dotted[1]) : Date.parse(`${source} UTC`);
      expect(new Date(read).toISOString().slice(0, 10)).toBe(target);
    }
  });

  it('sums are right, written backwards', () => {
    for (const { prompt, completion } of generateSums({ count: 500 })) {
      const [a, b] = prompt.split(/[+=]/).map(Number);
      expect(Number(Array.from(completion).reverse().join(''))).toBe(a + b);
    }
  });

  it('riddles have their answers in their gaps', () => {
    const riddles = generateRiddles({ count: 6912 });
    expect(new Set(riddles.map(({ masked, answers }) => masked + answers.join())).size).toBe(6912);
    for (const { text, masked, answers } of riddles)
      expect(answers.reduce((filled, word) => filled.replace('[MASK]', word), masked)).toBe(text);
  });

  it.each([
    [() => generateDates({ count: 40_000 }), /from 0 to 36525, found 40000/],
    [() => generateSums({ seed: -1 }), /seed must be a whole number from 0 up/],
    [() => generateRiddles({ count: 1.5 }), /E_OPTION: count/],
  ])('%s', (call, message) => expect(call).toThrow(message));
});
