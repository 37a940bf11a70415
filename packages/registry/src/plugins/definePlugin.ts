import { checkPlugin } from './checkPlugin';
import { rememberMaker } from './madeFrom';
import type { PluginContract, PluginKind } from './kinds';
import type { Plugin, PluginDefinition } from './plugin';

/**
 * Turns a factory and what it says of itself into a plugin: a function that one can simply call, and that a registry
 * takes as a value.
 *
 * The types check that `create` makes what the kind promises in `PluginKinds`. Write the type of `create`'s options
 * out: `kit.create(kind, name, options)` is typed from it. At the top level of a module put the comment `@__PURE__`
 * before the call, so that bundlers can leave an unused plugin out.
 *
 * @param definition kind, name, package, the integer `apiVersion` the plugin was written for, `create`, and optionally
 *   a one-sentence `description`
 * @returns the factory itself as a new, frozen function with the definition's fields on it
 * @throws E_PLUGIN_INVALID when a field is missing or of the wrong form
 *
 * @example
 * ```ts
 * import { createRegistry, definePlugin } from '@tesserae/registry';
 *
 * interface Compressor { compress(text: string): string }
 * declare module '@tesserae/registry' {
 *   interface PluginKinds { compressor: Compressor }
 * }
 *
 * const keep = definePlugin({
 *   kind: 'compressor',
 *   name: 'keep',
 *   package: 'my-package',
 *   apiVersion: 1,
 *   create: (options: { letters: number }): Compressor => ({ compress: (text) => text.slice(0, options.letters) }),
 * });
 * console.log(keep({ letters: 3 }).compress('mosaic')); // → mos
 *
 * const kit = createRegistry([keep]);
 * const compressor = await kit.create('compressor', 'keep', { letters: 4 });
 * console.log(compressor.compress('mosaic')); // → mosa
 * ```
 */
export function definePlugin<
  const K extends PluginKind,
  const N extends string,
  C extends (options: never) => PluginContract<K> | PromiseLike<PluginContract<K>>,
>(definition: PluginDefinition<K, N, C>): Plugin<K, N, C> {
  checkPlugin(definition);
  const { kind, name, package: origin, apiVersion, description, create } = definition;
  const call = (...options: Parameters<C>): unknown => {
    const made = (create as unknown as (...o: unknown[]) => unknown)(...options);
    rememberMaker(made, { kind, name, package: origin, options: options[0] as unknown });
    return made;
  };
  const shown = (value: unknown): PropertyDescriptor => ({ value, enumerable: true });
  Object.defineProperties(call, {
    kind: shown(kind),
    name: shown(name), // replaces the function's own name
    package: shown(origin),
    apiVersion: shown(apiVersion),
    ...(description === undefined ? {} : { description: shown(description) }),
    create: shown(create),
  });
  return Object.freeze(call) as unknown as Plugin<K, N, C>;
}
