import { createRegistry, definePlugin } from '@tesserae/registry';
import type { Plugin, PluginDefinition, PluginKind, Registry } from '@tesserae/registry';
import type { PluginContractOptions } from '@tesserae/registry/testing';
import { describe, test } from 'vitest';

// Compiled twice: by the workspace's TypeScript against the source, and by TypeScript 5.0 in Node10 resolution against
// the build. So the helpers are written out here, and nothing newer than TypeScript 5.0 is used.
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(..._: Equal<A, B> extends true ? [] : [found: A, expected: B]): void;

interface Mason {
  lay(): number;
}
interface Painter {
  paint(): string;
}
interface Fresco extends Painter {
  readonly layers: number;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    mason: Mason;
    painter: Painter;
  }
  interface PluginCatalog {
    'painter:fresco': typeof fresco;
    'painter:lazy': typeof lazy;
  }
}

const mason = definePlugin({
  kind: 'mason',
  name: 'dry-stone',
  package: 'walls',
  apiVersion: 1,
  create: (): Mason => ({ lay: () => 1 }),
});

const brick = definePlugin({
  kind: 'mason',
  name: 'brick',
  package: 'walls',
  apiVersion: 1,
  create: (options?: { rows?: number }): Mason => ({ lay: () => options?.rows ?? 1 }),
});

const fresco = definePlugin({
  kind: 'painter',
  name: 'fresco',
  package: 'walls',
  apiVersion: 1,
  create: (options: { layers: number; tone?: 'warm' | 'cold' }): Fresco => ({
    paint: () => options.tone ?? 'warm',
    layers: options.layers,
  }),
});

const lazy = definePlugin({
  kind: 'painter',
  name: 'lazy',
  package: 'walls',
  apiVersion: 1,
  create: async (options: { url: string }): Promise<Painter> => ({ paint: () => options.url }),
});

/** Never called: only its types are looked at. */
declare const kit: Registry<typeof mason | typeof brick | typeof fresco>;

describe('definePlugin', () => {
  test('the plugin is its factory, with its kind and name as literals', () => {
    same<ReturnType<typeof fresco>, Fresco>();
    same<(typeof fresco)['kind'], 'painter'>();
    same<(typeof fresco)['name'], 'fresco'>();
    const called: Fresco = fresco({ layers: 2 });
    same<typeof called, Fresco>();
    // @ts-expect-error -- layers is a number
    fresco({ layers: 'two' });
  });

  test('create must make what the kind promises', () => {
    // @ts-expect-error -- a painter must paint
    definePlugin({ kind: 'painter', name: 'x', package: 'p', apiVersion: 1, create: () => ({ lay: () => 1 }) });
    definePlugin({ kind: 'painter', name: 'x', package: 'p', apiVersion: 1, create: () => ({ paint: () => 'x' }) });
    // @ts-expect-error -- also when it comes in a promise
    definePlugin({ kind: 'painter', name: 'x', package: 'p', apiVersion: 1, create: async () => ({ paint: () => 1 }) });
  });

  test('the kind must be a declared one, and nothing may be missing', () => {
    const create = (): Painter => ({ paint: () => 'x' });
    // @ts-expect-error -- no such kind
    definePlugin({ kind: 'paintr', name: 'x', package: 'p', apiVersion: 1, create });
    // @ts-expect-error -- no package
    definePlugin({ kind: 'painter', name: 'x', apiVersion: 1, create });
    // @ts-expect-error -- no apiVersion
    definePlugin({ kind: 'painter', name: 'x', package: 'p', create });
    const two = (first: 1, second: 2): Painter => ({ paint: () => `${first}${second}` });
    // @ts-expect-error -- two arguments
    definePlugin({ kind: 'painter', name: 'x', package: 'p', apiVersion: 1, create: two });
  });

  test('keeps its literals when it is written inside the list', () => {
    const inline = createRegistry([
      definePlugin({
        kind: 'mason',
        name: 'inline',
        package: 'p',
        apiVersion: 1,
        create: (options: { rows: number }): Mason => ({ lay: () => options.rows }),
      }),
    ]);
    void (() => inline.create('mason', 'inline', { rows: 1 }));
    // @ts-expect-error -- rows is missing
    void (() => inline.create('mason', 'inline', {}));
    // @ts-expect-error -- no such name
    void (() => inline.create('mason', 'inlin', { rows: 1 }));
  });

  test('merged kinds are kinds', () => {
    const kind: PluginKind = 'mason';
    same<typeof kind extends 'mason' ? true : false, true>();
  });
});

describe('create', () => {
  test('gives exactly what the plugin makes', () => {
    same<ReturnType<typeof build>, Promise<Fresco>>();
    function build() {
      return kit.create('painter', 'fresco', { layers: 2 });
    }
  });

  test('a promise is not wrapped twice', () => {
    const registry = createRegistry([lazy]);
    const made = (): Promise<Painter> => registry.create('painter', 'lazy', { url: 'x' });
    same<ReturnType<typeof made>, Promise<Painter>>();
  });

  test('required options are required and checked', () => {
    // @ts-expect-error -- no options
    void (() => kit.create('painter', 'fresco'));
    // @ts-expect-error -- wrong type
    void (() => kit.create('painter', 'fresco', { layers: '2' }));
    // @ts-expect-error -- unknown option
    void (() => kit.create('painter', 'fresco', { layers: 2, gloss: true }));
    // @ts-expect-error -- misspelt value
    void (() => kit.create('painter', 'fresco', { layers: 2, tone: 'hot' }));
    // @ts-expect-error -- options of another plugin
    void (() => kit.create('painter', 'fresco', { url: 'x' }));
    // @ts-expect-error -- one argument too many
    void (() => kit.create('painter', 'fresco', { layers: 2 }, 3));
  });

  test('optional options may be left out, and are checked when given', () => {
    void (() => kit.create('mason', 'brick'));
    void (() => kit.create('mason', 'brick', { rows: 2 }));
    // @ts-expect-error -- wrong type
    void (() => kit.create('mason', 'brick', { rows: '2' }));
    // @ts-expect-error -- unknown option
    void (() => kit.create('mason', 'brick', { columns: 2 }));
  });

  test('a plugin without options takes none', () => {
    void (() => kit.create('mason', 'dry-stone'));
    // @ts-expect-error -- takes none
    void (() => kit.create('mason', 'dry-stone', {}));
  });

  test('literal names and kinds are checked', () => {
    // @ts-expect-error -- no such name
    void (() => kit.create('painter', 'frescoe', { layers: 2 }));
    // @ts-expect-error -- a name of another kind
    void (() => kit.create('mason', 'fresco', { layers: 2 }));
    // @ts-expect-error -- no such kind
    void (() => kit.create('sculptor', 'fresco', { layers: 2 }));
  });

  test('the catalog knows plugins that the type of the registry does not', () => {
    void (() => kit.create('painter', 'lazy', { url: 'x' }));
    // @ts-expect-error -- wrong options, found through the catalog
    void (() => kit.create('painter', 'lazy', { layers: 2 }));
  });

  test('a name only known at run time gives the contract of the kind', () => {
    const build = (name: string) => kit.create('painter', name, { anything: 1 });
    same<ReturnType<typeof build>, Promise<Painter>>();
  });

  test('a union of names takes only what all of them accept', () => {
    const union = 'fresco' as 'fresco' | 'lazy';
    void (() => kit.create('painter', union, { layers: 2, url: 'x' }));
    // @ts-expect-error -- lazy needs url
    void (() => kit.create('painter', union, { layers: 2 }));
  });
});

describe('use', () => {
  test('adds the plugin to the type', () => {
    const small = createRegistry([mason]);
    // @ts-expect-error -- not there, and not in the catalog
    void (() => small.create('mason', 'brick'));
    const large = small.use(brick);
    void (() => large.create('mason', 'brick', { rows: 1 }));
    void (() => large.create('mason', 'dry-stone'));
  });

  test('adds it under its new name', () => {
    const renamed = createRegistry([]).use(brick, { as: 'clay' });
    void (() => renamed.create('mason', 'clay', { rows: 1 }));
    // @ts-expect-error -- wrong options under the new name
    void (() => renamed.create('mason', 'clay', { rows: '1' }));
    // @ts-expect-error -- the old name is gone
    void (() => renamed.create('mason', 'brick'));
  });

  test('keeps the name when only asked to replace', () => {
    const replaced = createRegistry([mason]).use(brick, { replace: true });
    void (() => replaced.create('mason', 'brick', { rows: 1 }));
  });

  test('takes a plain object of the same fields', () => {
    const plain = {
      kind: 'mason',
      name: 'plain',
      package: 'p',
      apiVersion: 1,
      create: (): Mason => ({ lay: () => 1 }),
    } as const;
    const registry = createRegistry([plain]);
    void (() => registry.create('mason', 'plain'));
    // @ts-expect-error -- takes none
    void (() => registry.create('mason', 'plain', 1));
  });

  test('a registry of more plugins can be passed where fewer are wanted', () => {
    const wantsAny = (registry: Registry): unknown => registry.has('mason', 'brick');
    const wantsBrick = (registry: Registry<typeof brick>): unknown => registry.create('mason', 'brick', { rows: 1 });
    void (() => [wantsAny(kit), wantsBrick(kit)]);
    const plugin: PluginDefinition = fresco;
    const general: Plugin = fresco as unknown as Plugin;
    void [plugin, general];
  });
});

describe('testing', () => {
  test('the subpath resolves, and its options are typed by what the kind promises', () => {
    same<Parameters<NonNullable<PluginContractOptions<Mason>['check']>>, [created: Mason]>();
  });
});
