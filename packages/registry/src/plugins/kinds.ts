/**
 * The kinds of plugin: kind → the contract that its plugins make. Empty here; each package merges its own kinds:
 *
 * ```
 * declare module '@tesserae/registry' {
 *   interface PluginKinds { optimizer: Optimizer }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface PluginKinds {}

/**
 * The plugins that types know by name: `"kind:name"` → `typeof plugin`. Empty here; each plugin merges itself:
 *
 * ```
 * declare module '@tesserae/registry' {
 *   interface PluginCatalog { 'optimizer:adamw': typeof adamw }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface PluginCatalog {}

/** A kind that some package has merged into {@link PluginKinds}. */
export type PluginKind = keyof PluginKinds & string;

/** What a plugin of the kind makes; `unknown` for a kind that nobody declared. */
export type PluginContract<K extends string> = K extends PluginKind ? PluginKinds[K] : unknown;
