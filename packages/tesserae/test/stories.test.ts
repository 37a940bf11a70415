import { isTesseraeError } from '@tesserae/registry';
import { generateStories } from 'tesserae';
import { describe, expect, it } from 'vitest';
import { animals, numbers, people } from '../src/stories/words';

const stories = generateStories({ count: 3000, seed: 5 });

describe('the stories', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(generateStories({ count: 20, seed: 5 })).toEqual(stories.slice(0, 20));
    expect(generateStories({ count: 20, seed: 6 })).not.toEqual(stories.slice(0, 20));
  });

  it('are many different ones', () => {
    expect(new Set(stories).size).toBeGreaterThan(2500);
  });

  it('count right when something is given', () => {
    const given = stories
      .map((story) => /^(\w+) had (\w+) \w+\. \w+ gave \w+ (\w+) \w+ more\. Now \1 had (\w+) /.exec(story))
      .filter((match) => match !== null);
    expect(given.length).toBeGreaterThan(100);
    for (const [, , has, gets, sum] of given)
      expect(numbers.indexOf(has) + numbers.indexOf(gets)).toBe(numbers.indexOf(sum));
  });

  it('let every animal make its own sound', () => {
    for (const [animal, sound] of animals) {
      const heard = stories.filter((story) => new RegExp(`The ${animal} said `).test(story));
      expect(heard.length).toBeGreaterThan(10);
      for (const story of heard) expect(story).toContain(`The ${animal} said ${sound} again`);
    }
  });

  it('use the pronoun of the name', () => {
    for (const { name, subject } of people) {
      const told = stories
        .map((story) => new RegExp(`^One day ${name} found .*\\. (He|She|he|she) lost`).exec(story)?.[1])
        .filter(Boolean);
      for (const pronoun of told) expect(pronoun!.toLowerCase()).toBe(subject);
    }
  });

  it.each([-1, 1.5, Number.NaN])('refuse the count %d', (count) => {
    let caught: unknown;
    try {
      generateStories({ count });
    } catch (error) {
      caught = error;
    }
    expect(isTesseraeError(caught, 'E_OPTION')).toBe(true);
  });
});
