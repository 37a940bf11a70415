import { isTesseraeError, tesseraeError } from '../errors';
import { nearestName } from '../names/nearestName';
import { checkPlugin, pluginApiVersion } from '../plugins/checkPlugin';
import type { PluginDefinition } from '../plugins/plugin';
import type { PluginEntry, Registry, UseOptions } from './registry';

/** What a new registry may be told. */
export interface RegistryOptions {
  /**
   * Where plugins that are not in the registry can be had: `"kind:name"` or `"kind"` → npm package. Used to say what
   * to install.
   */
  directory?: Readonly<Record<string, string>>;
}

interface Place {
  readonly plugin: PluginDefinition;
  readonly entry: PluginEntry;
}

/** kind → name → what stands there. */
type Places = Map<string, Map<string, Place>>;

/**
 * Makes a registry filled with plugins, which are then asked for by kind and name.
 *
 * A registry is a plain value that its owner passes on; there is no global one, so two notebooks, two tests or two
 * copies of this package never meet in one.
 *
 * @param plugins the plugins to begin with, as `definePlugin` makes them; also plain objects of the same fields
 * @param options `directory`: which npm package brings which plugin, for the error about an unknown name
 * @returns the registry; `create`, `use`, `has`, `list`
 * @throws E_PLUGIN_INVALID, E_PLUGIN_API_VERSION, E_PLUGIN_DUPLICATE as `use` does
 *
 * @example
 * ```ts
 * import { createRegistry, definePlugin } from '@tesserae/registry';
 *
 * interface Schedule { (step: number): number }
 * declare module '@tesserae/registry' {
 *   interface PluginKinds { schedule: Schedule }
 * }
 *
 * const constant = definePlugin({
 *   kind: 'schedule', name: 'constant', package: 'my-package', apiVersion: 1,
 *   create: (options: { learningRate: number }): Schedule => () => options.learningRate,
 * });
 *
 * const kit = createRegistry([constant]);
 * const schedule = await kit.create('schedule', 'constant', { learningRate: 0.1 });
 * console.log(schedule(7)); // → 0.1
 * console.log(kit.has('schedule', 'cosine')); // → false
 * ```
 */
export function createRegistry<const T extends readonly PluginDefinition[]>(
  plugins: T,
  options: RegistryOptions = {},
): Registry<T[number]> {
  const places: Places = new Map();
  const directory = options.directory ?? {};
  const registry = {
    async create(kind: string, name: string, ...rest: readonly unknown[]): Promise<unknown> {
      const { plugin } = find(places, directory, kind, name);
      try {
        return await (plugin.create as (...options: unknown[]) => unknown)(...rest);
      } catch (error) {
        throw explainMissingModule(plugin, error);
      }
    },
    use(plugin: PluginDefinition, how: UseOptions = {}): unknown {
      place(places, plugin, how);
      return registry;
    },
    has: (kind: string, name: string): boolean => places.get(kind)?.has(name) ?? false,
    list: (kind?: string): readonly PluginEntry[] => entries(places, kind),
  };
  for (const plugin of plugins) registry.use(plugin);
  return registry as unknown as Registry<T[number]>;
}

function place(places: Places, plugin: PluginDefinition, how: UseOptions): void {
  checkPlugin(plugin);
  if (how.as !== undefined) checkPlugin({ ...describe(plugin), create: plugin.create, name: how.as });
  checkApiVersion(plugin);
  const name = how.as ?? plugin.name;
  const named = places.get(plugin.kind) ?? new Map<string, Place>();
  const held = named.get(name)?.plugin;
  if (held !== undefined && !isSame(held, plugin) && how.replace !== true) {
    throw tesseraeError({
      package: 'registry',
      code: 'E_PLUGIN_DUPLICATE',
      message: `${plugin.kind}:${name} is already taken by ${origin(held)}, and ${origin(plugin)} brings another`,
      fix: "pass { as: 'another-name' } to use() to keep both, or { replace: true } to put the new one in its place",
      details: { kind: plugin.kind, name, held: held.package, brought: plugin.package },
    });
  }
  named.set(name, { plugin, entry: Object.freeze({ ...describe(plugin), name }) });
  places.set(plugin.kind, named);
}

/** The same plugin: from the same package, under the same name of its own; another copy or version of it too. */
function isSame(a: PluginDefinition, b: PluginDefinition): boolean {
  return a.package === b.package && a.kind === b.kind && a.name === b.name;
}

function origin(plugin: PluginDefinition): string {
  return `${plugin.package} (its "${plugin.name}")`;
}

function describe(plugin: PluginDefinition): PluginEntry {
  const { kind, name, package: from, apiVersion, description } = plugin;
  return { kind, name, package: from, apiVersion, ...(description === undefined ? {} : { description }) };
}

function checkApiVersion(plugin: PluginDefinition): void {
  if (plugin.apiVersion === pluginApiVersion) return;
  const newer = plugin.apiVersion > pluginApiVersion;
  throw tesseraeError({
    package: 'registry',
    code: 'E_PLUGIN_API_VERSION',
    message:
      `plugin ${plugin.kind}:${plugin.name} of ${plugin.package} was written for version ${plugin.apiVersion} ` +
      `of the plugin interface, and this registry has version ${pluginApiVersion}`,
    fix: `update ${newer ? '@tesserae/registry' : plugin.package} to a version that matches`,
    details: { found: plugin.apiVersion, expected: pluginApiVersion },
  });
}

function find(places: Places, directory: Readonly<Record<string, string>>, kind: string, name: string): Place {
  const found = places.get(kind)?.get(name);
  if (found !== undefined) return found;
  const named = places.get(kind);
  const known = [...(named ?? places).keys()].sort();
  const nearest = nearestName(named === undefined ? kind : name, known);
  const asked = named === undefined ? `kind "${kind}"` : `${kind} "${name}"`;
  const list = known.length === 0 ? 'the registry is empty' : `known are ${known.join(', ')}`;
  const home = own(directory, `${kind}:${name}`) ?? own(directory, kind);
  const install = home === undefined ? 'install the package that brings it' : `npm install ${home}`;
  throw tesseraeError({
    package: 'registry',
    code: 'E_PLUGIN_UNKNOWN',
    message: `there is no ${asked}; ${list}`,
    fix: `${nearest === undefined ? '' : `did you mean "${nearest}"? if not, `}${install} and pass its plugin to use()`,
    details: { kind, name, known, ...(nearest === undefined ? {} : { nearest }) },
  });
}

function own(directory: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(directory, key) ? directory[key] : undefined;
}

/** A plugin's lazy import of something that is not installed becomes an error that says so; all else passes through. */
function explainMissingModule(plugin: PluginDefinition, error: unknown): unknown {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  if (isTesseraeError(error) || (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND')) return error;
  const missing = /Cannot find (?:module|package) '([^']+)'/.exec((error as Error).message)?.[1];
  return tesseraeError({
    package: 'registry',
    code: 'E_PLUGIN_LOAD',
    message: `plugin ${plugin.kind}:${plugin.name} of ${plugin.package} could not load ${missing ?? 'a module it needs'}`,
    fix: missing !== undefined && !/^[./]/.test(missing) ? `npm install ${missing}` : `reinstall ${plugin.package}`,
    cause: error,
  });
}

function entries(places: Places, kind?: string): readonly PluginEntry[] {
  const order = (a: PluginEntry, b: PluginEntry): number =>
    a.kind === b.kind ? compare(a.name, b.name) : compare(a.kind, b.kind);
  const groups = kind === undefined ? [...places.values()] : [places.get(kind) ?? new Map<string, Place>()];
  return groups.flatMap((named) => [...named.values()].map(({ entry }) => entry)).sort(order);
}

/** By code unit, so that the order does not depend on the machine's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
