import type { PluginCatalog, PluginContract, PluginKind } from '../plugins/kinds';
import type { PluginCreate, PluginDefinition } from '../plugins/plugin';

/** How a plugin is taken in. */
export interface UseOptions<As extends string = string> {
  /** Take the plugin in under this name instead of its own. */
  as?: As;
  /** Take the place of a plugin of the same kind and name from another package. */
  replace?: boolean;
}

/** What `list` tells of a plugin. */
export interface PluginEntry {
  readonly kind: string;
  /** The name in this registry, which `{ as }` may have changed. */
  readonly name: string;
  readonly package: string;
  readonly apiVersion: number;
  readonly description?: string;
}

/** The kinds a registry of plugins `P` can be asked for: those declared, and those of its own plugins. */
export type RegistryKind<P extends PluginDefinition> = PluginKind | P['kind'];

/** The names known inside a kind: from the catalog, and from the registry's own plugins. */
export type RegistryName<K extends string, P extends PluginDefinition> = CatalogName<K> | OwnName<K, P>;

/** The names that the catalog has in a kind. */
export type CatalogName<K extends string> = keyof PluginCatalog extends infer Key
  ? Key extends `${K}:${infer Name}`
    ? Name
    : never
  : never;

/** The names that the plugins `P` have in a kind. */
export type OwnName<K extends string, P> = P extends PluginDefinition
  ? P['kind'] extends K
    ? P['name']
    : never
  : never;

/** The plugin behind a kind and a name: the registry's own first, else the catalog's. */
export type PluginOf<K extends string, N extends string, P extends PluginDefinition> = [
  Extract<P, { readonly kind: K; readonly name: N }>,
] extends [never]
  ? `${K}:${N}` extends keyof PluginCatalog
    ? PluginCatalog[`${K}:${N}`]
    : never
  : Extract<P, { readonly kind: K; readonly name: N }>;

/** The factories behind a union of names, each looked up by itself. */
export type CreateOf<K extends string, N extends string, P extends PluginDefinition> = N extends string
  ? PluginOf<K, N, P> extends { readonly create: infer C }
    ? C
    : never
  : never;

/** The name itself when it is known, any string when it is only known at run time, else the names to choose from. */
export type NameArgument<K extends string, N extends string, P extends PluginDefinition> = string extends N
  ? N
  : N extends RegistryName<K, P>
    ? N
    : RegistryName<K, P>;

/**
 * The options as the factory takes them: none, optional or required. A union of names takes what all of them accept.
 * For a name that is only known at run time, anything.
 */
export type OptionsArgument<K extends string, N extends string, P extends PluginDefinition> = string extends N
  ? [options?: unknown]
  : OptionsOf<CreateOf<K, N, P>>;

/** The options of a factory as arguments: none, optional or required. */
export type OptionsOf<C> = [C] extends [never]
  ? [options?: never]
  : [C] extends [(...options: infer A) => unknown]
    ? A['length'] extends 0
      ? []
      : [C] extends [(options: infer O) => unknown]
        ? undefined extends O
          ? [options?: O]
          : [options: O]
        : never
    : never;

/** What the named plugin makes, as exactly as it says; for a name only known at run time, the kind's contract. */
export type Created<K extends string, N extends string, P extends PluginDefinition> = string extends N
  ? PluginContract<K>
  : CreateOf<K, N, P> extends (options: never) => infer R
    ? Awaited<R>
    : PluginContract<K>;

/** A plugin under another name. */
export type Renamed<P, As extends string> = string extends As
  ? P
  : P extends PluginDefinition<infer K, string, infer C extends PluginCreate>
    ? PluginDefinition<K, As, C>
    : never;

/** A set of plugins that are asked for by kind and name. `P` is the union of the plugins that types know it holds. */
export interface Registry<P extends PluginDefinition = never> {
  /**
   * Makes the value of a plugin. Names and options are typed; there is one signature, so wrong options never slip
   * through to a looser one. A name of type `string` is looked up at run time.
   *
   * @throws E_PLUGIN_UNKNOWN when there is no such plugin: lists the known names, the nearest and what to install
   * @throws E_PLUGIN_LOAD when the plugin needs a module that is not installed
   */
  create<K extends RegistryKind<P>, N extends string>(
    kind: K,
    name: NameArgument<K, N, P>,
    ...options: OptionsArgument<K, N, P>
  ): Promise<Created<K, N, P>>;

  /**
   * Takes a plugin in and returns the registry, typed with it. The same plugin again replaces itself (a cell run
   * twice, a second copy of its package).
   *
   * @throws E_PLUGIN_INVALID when the value is no plugin
   * @throws E_PLUGIN_API_VERSION when it was written for another version of the plugin interface
   * @throws E_PLUGIN_DUPLICATE when another plugin has its kind and name, unless `{ as }` or `{ replace: true }`
   */
  use<T extends PluginDefinition, As extends string = string>(
    plugin: T,
    options?: UseOptions<As>,
  ): Registry<P | Renamed<T, As>>;

  /** Tells whether there is a plugin of that kind and name. */
  has(kind: string, name: string): boolean;

  /** The plugins of a kind, or of every kind, in the order of kind and name. */
  list(kind?: string): readonly PluginEntry[];
}
