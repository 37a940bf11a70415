import { nearestName } from '@tesserae/registry';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('nearestName', () => {
  it.each([
    ['adamv', 'adamw'],
    ['ADAMW', 'adamw'],
    ['adawm', 'adamw'], // two neighbours swapped: one step
    ['adam', 'adamw'],
    ['cosin', 'cosine'],
    ['sdg', 'sgd'],
    ['completely-else', undefined],
    ['', undefined],
  ])('%j → %j', (name, expected) => {
    expect(nearestName(name, ['sgd', 'cosine', 'adamw'])).toBe(expected);
  });

  it('prefers the nearer, then the earlier', () => {
    expect(nearestName('int5', ['int48', 'int8', 'int4'])).toBe('int8');
  });

  it('finds nothing among nothing', () => {
    expect(nearestName('adamw', [])).toBeUndefined();
  });

  it('finds a known name whatever single letter is changed in it', () => {
    const known = ['gradient-descent', 'momentum', 'cosine-annealing'];
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.nat(), fc.constantFrom('q', 'z', '_'), (name, place, letter) => {
        const at = place % name.length;
        expect(nearestName(name.slice(0, at) + letter + name.slice(at + 1), known)).toBe(name);
      }),
    );
  });
});
