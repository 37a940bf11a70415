import { definePlugin, isTesseraeError } from '@tesserae/registry';
import { describe, expect, it } from 'vitest';
import { circle, red, square } from './plugins';

const complete = { kind: 'shape', name: 'x', package: 'p', apiVersion: 1, create: () => ({ area: () => 1 }) } as const;

describe('definePlugin', () => {
  it('gives a function to call', async () => {
    expect(square({ side: 3 }).area()).toBe(9);
    expect((await circle()).area()).toBeCloseTo(Math.PI, 12);
  });

  it('carries what the plugin says of itself', () => {
    const { kind, name, package: origin, apiVersion, description } = square;
    expect({ kind, name, origin, apiVersion, description }).toEqual({
      kind: 'shape',
      name: 'square',
      origin: 'shapes',
      apiVersion: 1,
      description: 'Four equal sides.',
    });
    expect('description' in red).toBe(false);
    expect(square.create({ side: 2 }).area()).toBe(4);
  });

  it('is frozen', () => {
    expect(Object.isFrozen(square)).toBe(true);
    expect(() => Object.assign(square, { kind: 'colour' })).toThrow(TypeError);
  });

  it.each([
    [{ kind: '' }, 'the plugin\'s kind must be letters, digits, ".", "_" or "-", found ""'],
    [{ name: 'two words' }, 'the plugin\'s name must be letters, digits, ".", "_" or "-", found "two words"'],
    [{ name: 7 }, 'the plugin\'s name must be letters, digits, ".", "_" or "-", found 7'],
    [{ name: undefined }, 'the plugin\'s name must be letters, digits, ".", "_" or "-", found undefined'],
    [{ package: '' }, 'the package of plugin shape:x must be the name of its npm package, found ""'],
    [{ apiVersion: 1.5 }, 'the apiVersion of plugin shape:x must be a positive integer, found 1.5'],
    [{ apiVersion: 0 }, 'the apiVersion of plugin shape:x must be a positive integer, found 0'],
    [{ apiVersion: '1' }, 'the apiVersion of plugin shape:x must be a positive integer, found "1"'],
    [{ description: [] }, 'the description of plugin shape:x must be a sentence, found an array'],
    [
      { create: {} },
      'the create of plugin shape:x must be a function of one argument, the options, found a value of type object',
    ],
  ])('refuses %j', (change, message) => {
    const define = (): unknown => definePlugin({ ...complete, ...change } as unknown as typeof complete);
    const fix = 'make the plugin with definePlugin({ kind, name, package, apiVersion, create })';
    expect(define).toThrow(`[registry] E_PLUGIN_INVALID: ${message}; ${fix}`);
  });

  it.each([undefined, null, 'square', 3])('refuses %s', (value) => {
    try {
      definePlugin(value as unknown as typeof complete);
      expect.unreachable();
    } catch (error) {
      expect(isTesseraeError(error, 'E_PLUGIN_INVALID')).toBe(true);
    }
  });
});
