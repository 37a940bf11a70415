import { createRegistry, definePlugin, isTesseraeError, pluginApiVersion, tesseraeError } from '@tesserae/registry';
import type { PluginDefinition } from '@tesserae/registry';
import { describe, expect, it, vi } from 'vitest';
import { circle, red, rivalSquare, square } from './plugins';
import type { Shape } from './plugins';

const caught = async (run: () => unknown): Promise<Error> => {
  try {
    await run();
  } catch (error) {
    if (isTesseraeError(error)) return error;
    throw error;
  }
  return expect.unreachable();
};

describe('create', () => {
  const kit = createRegistry([square, circle, red]);

  it('makes the value of the named plugin with the options', async () => {
    expect((await kit.create('shape', 'square', { side: 3 })).area()).toBe(9);
    expect((await kit.create('shape', 'circle', { radius: 2 })).area()).toBeCloseTo(4 * Math.PI, 12);
    expect((await kit.create('shape', 'circle')).area()).toBeCloseTo(Math.PI, 12);
    expect(await kit.create('colour', 'red')).toEqual({ hue: 0 });
  });

  it('looks a name up at run time', async () => {
    const name: string = 'square';
    expect((await kit.create('shape', name, { side: 2 })).area()).toBe(4);
  });

  it('calls no factory before it is asked to', async () => {
    const create = vi.fn((): Shape => ({ area: () => 1 }));
    const lazy = createRegistry([definePlugin({ kind: 'shape', name: 'lazy', package: 'p', apiVersion: 1, create })]);
    expect(create).not.toHaveBeenCalled();
    await lazy.create('shape', 'lazy');
    await lazy.create('shape', 'lazy');
    expect(create).toHaveBeenCalledTimes(2);
  });

  it('lists the known names, the nearest and what to do, for an unknown name', async () => {
    const error = await caught(() => kit.create('shape', 'sqare' as string));
    expect(error.message).toBe(
      '[registry] E_PLUGIN_UNKNOWN: there is no shape "sqare"; known are circle, square; ' +
        'did you mean "square"? if not, install the package that brings it and pass its plugin to use()',
    );
    expect(error).toMatchObject({
      details: { kind: 'shape', name: 'sqare', known: ['circle', 'square'], nearest: 'square' },
    });
  });

  it('suggests no name when none is near', async () => {
    const error = await caught(() => kit.create('shape', 'dodecahedron' as string));
    expect(error.message).toMatch(/known are circle, square; install the package that brings it and pass/);
  });

  it('says what to install when the directory knows it, by name before by kind', async () => {
    const directory = { shape: 'more-shapes', 'shape:torus': '@round/torus' };
    const told = createRegistry([square], { directory });
    const one = await caught(() => told.create('shape', 'torus' as string));
    expect(one.message).toMatch(/npm install @round\/torus and pass its plugin to use\(\)$/);
    const other = await caught(() => told.create('shape', 'cone' as string));
    expect(other.message).toMatch(/npm install more-shapes and pass its plugin to use\(\)$/);
  });

  it('does the same for an unknown kind', async () => {
    const error = await caught(() => kit.create('shap' as 'shape', 'square', { side: 1 }));
    expect(error.message).toBe(
      '[registry] E_PLUGIN_UNKNOWN: there is no kind "shap"; known are colour, shape; ' +
        'did you mean "shape"? if not, install the package that brings it and pass its plugin to use()',
    );
  });

  it('says so when the registry is empty', async () => {
    const error = await caught(() => createRegistry([]).create('shape', 'square' as string));
    expect(error.message).toContain('there is no kind "shape"; the registry is empty; install');
  });

  it.each(['constructor', '__proto__', 'toString'])('is not fooled by %s', async (name) => {
    expect(kit.has(name, name)).toBe(false);
    expect(kit.list(name)).toEqual([]);
    expect((await caught(() => kit.create('shape', name as string))).message).toContain('E_PLUGIN_UNKNOWN');
    expect((await caught(() => kit.create(name as 'shape', name as string))).message).toContain('there is no kind');
  });

  const failing = (error: unknown): PluginDefinition => ({
    kind: 'shape',
    name: 'failing',
    package: 'broken',
    apiVersion: 1,
    create: () => {
      throw error;
    },
  });

  it('passes the errors of a plugin through', async () => {
    for (const error of [
      new RangeError('radius'),
      tesseraeError({ package: 'p', code: 'E_X', message: 'm', fix: 'f' }),
      'text',
      undefined,
    ]) {
      const run = createRegistry([failing(error)]).create('shape', 'failing' as string);
      await expect(run).rejects.toBe(error);
    }
  });

  it('explains a module that the plugin needs and that is not installed', async () => {
    const name = 'not-installed-anywhere';
    const lazy = { ...failing(undefined), create: (): Promise<unknown> => import(/* @vite-ignore */ name) };
    // The test runner words the failure in its own way, so the words of Node are given here.
    const native = Object.assign(new Error(`Cannot find package '${name}' imported from /plugin.js`), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    await expect(lazy.create()).rejects.toThrow();
    const error = await caught(() => createRegistry([failing(native)]).create('shape', 'failing' as string));
    expect(error.message).toBe(
      `[registry] E_PLUGIN_LOAD: plugin shape:failing of broken could not load ${name}; npm install ${name}`,
    );
    expect(error.cause).toBe(native);
    const inner = Object.assign(new Error("Cannot find module './part.js'"), { code: 'MODULE_NOT_FOUND' });
    const own = await caught(() => createRegistry([failing(inner)]).create('shape', 'failing' as string));
    expect(own.message).toMatch(/could not load \.\/part\.js; reinstall broken$/);
  });
});

describe('use', () => {
  it('takes a plugin in and returns the same registry', async () => {
    const kit = createRegistry([square]);
    const more = kit.use(circle);
    expect(more).toBe(kit);
    expect((await more.create('shape', 'circle')).area()).toBeCloseTo(Math.PI, 12);
  });

  it('lets the same plugin replace itself: a cell run twice, a second copy, a newer version', async () => {
    const newer = { ...square, create: (): Shape => ({ area: () => 42 }) };
    const kit = createRegistry([square]).use(square).use(newer);
    expect(kit.list('shape')).toHaveLength(1);
    expect((await kit.create('shape', 'square' as string)).area()).toBe(42);
  });

  it('refuses the same kind and name from another package, and names both', () => {
    const kit = createRegistry([square]);
    expect(() => kit.use(rivalSquare)).toThrow(
      '[registry] E_PLUGIN_DUPLICATE: shape:square is already taken by shapes (its "square"), and rival (its "square") ' +
        "brings another; pass { as: 'another-name' } to use() to keep both, or { replace: true } to put the new one in its place",
    );
    expect(kit.list('shape').map((entry) => entry.package)).toEqual(['shapes']);
    expect(() => createRegistry([square, rivalSquare])).toThrow('E_PLUGIN_DUPLICATE');
  });

  it('{ as } keeps both, and may be repeated', async () => {
    const kit = createRegistry([square]).use(rivalSquare, { as: 'rival-square' });
    const again = kit.use(rivalSquare, { as: 'rival-square' });
    expect((await again.create('shape', 'rival-square')).area()).toBe(-1);
    expect((await again.create('shape', 'square', { side: 2 })).area()).toBe(4);
    expect(again.list('shape').map((entry) => `${entry.name} of ${entry.package}`)).toEqual([
      'rival-square of rival',
      'square of shapes',
    ]);
  });

  it('{ as } does not slip past the rule about duplicates, even inside one package', () => {
    const kit = createRegistry([square]);
    expect(() => kit.use(circle, { as: 'square' })).toThrow(
      'shape:square is already taken by shapes (its "square"), and shapes (its "circle") brings another',
    );
    expect(() => kit.use(circle, { as: '' })).toThrow('E_PLUGIN_INVALID');
  });

  it('{ replace: true } puts the new one in place', async () => {
    const kit = createRegistry([square]).use(rivalSquare, { replace: true });
    expect((await kit.create('shape', 'square' as string)).area()).toBe(-1);
    expect(kit.list('shape').map((entry) => entry.package)).toEqual(['rival']);
  });

  it('checks the version of the plugin interface, and says which side to update', () => {
    const at = (apiVersion: number): PluginDefinition => ({ ...square, name: 'x', package: 'p', apiVersion });
    expect(() => createRegistry([at(pluginApiVersion + 1)])).toThrow(
      '[registry] E_PLUGIN_API_VERSION: plugin shape:x of p was written for version 2 of the plugin interface, and ' +
        'this registry has version 1; update @tesserae/registry to a version that matches',
    );
    expect(() => createRegistry([at(1.5)])).toThrow('E_PLUGIN_INVALID');
  });

  it.each([undefined, null, {}, () => 1, { ...square, create: 1 }])('refuses %s, which is no plugin', (value) => {
    expect(() => createRegistry([]).use(value as unknown as PluginDefinition)).toThrow('E_PLUGIN_INVALID');
  });

  it('keeps registries apart', () => {
    const one = createRegistry([square]);
    const other = createRegistry([]);
    one.use(circle);
    expect(other.list()).toEqual([]);
  });
});

describe('has and list', () => {
  const kit = createRegistry([square, red, circle]);

  it('has what was put in', () => {
    expect([kit.has('shape', 'square'), kit.has('shape', 'red'), kit.has('none', 'square')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('lists in the order of kind and name, with what the plugins say of themselves', () => {
    expect(kit.list('shape')).toEqual([
      { kind: 'shape', name: 'circle', package: 'shapes', apiVersion: 1 },
      { kind: 'shape', name: 'square', package: 'shapes', apiVersion: 1, description: 'Four equal sides.' },
    ]);
    expect(kit.list().map((entry) => entry.name)).toEqual(['red', 'circle', 'square']);
    expect(kit.list('none')).toEqual([]);
  });
});
