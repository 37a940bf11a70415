/** A plugin's factory: at most one argument, the options; the result may be a promise. */
export type PluginCreate = (options: never) => unknown;

/** What every plugin says of itself, and the function that makes what its kind promises. */
export interface PluginDefinition<
  K extends string = string,
  N extends string = string,
  C extends PluginCreate = PluginCreate,
> {
  /** The kind, as declared in `PluginKinds`: `optimizer`. */
  readonly kind: K;
  /** The name inside the kind: letters, digits, `.`, `_`, `-`, starting with a letter or digit. */
  readonly name: N;
  /** The npm package the plugin comes from: `@tesserae/trainer`. */
  readonly package: string;
  /** The version of the plugin interface that the plugin was written for: an integer, now 1. */
  readonly apiVersion: number;
  /** One sentence for lists. */
  readonly description?: string;
  /** Makes the plugin's value from its options. Load heavy libraries in here, lazily; a promise may be returned. */
  readonly create: C;
}

/** A plugin as `definePlugin` returns it: its own factory to call, carrying what it says of itself. */
export type Plugin<K extends string = string, N extends string = string, C extends PluginCreate = PluginCreate> = C &
  PluginDefinition<K, N, C>;
