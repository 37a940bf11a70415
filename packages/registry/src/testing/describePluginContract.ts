import assert from 'node:assert/strict';
import { createRegistry, isTesseraeError, tesseraeError } from '../index';
import type { PluginDefinition } from '../index';

/** The two functions that any test runner has: pass vitest's, jest's or node:test's. */
export interface TestRunner {
  describe(name: string, suite: () => void): unknown;
  it(name: string, test: () => void | Promise<void>): unknown;
}

/** What the contract needs besides the plugin. */
export interface PluginContractOptions<T> extends TestRunner {
  /** The options to create the plugin's value with; left out for a plugin that needs none. */
  options?: readonly [unknown?];
  /** Looks at what was created: throw when it is not what the kind promises. */
  check?: (created: T) => void | Promise<void>;
}

/**
 * Writes the tests that every plugin of every kind must pass: it says completely what it is, a registry takes it in,
 * takes it in again and gives it out under its name and under another, and it makes its value from the same options
 * more than once. The contract of the kind comes beside this one, from the package that owns the kind.
 *
 * The test runner is passed in, so the contract works in any of them.
 *
 * @param plugin the plugin, as `definePlugin` makes it
 * @param contract `describe` and `it` of the runner; `options`, the arguments for `create`; `check` for the result
 * @throws E_CONTRACT when the runner's functions are missing
 *
 * @example
 * ```ts
 * import { describePluginContract } from '@tesserae/registry/testing';
 *
 * const plugin = {
 *   kind: 'schedule', name: 'constant', package: 'my-package', apiVersion: 1,
 *   create: (options: { learningRate: number }) => () => options.learningRate,
 * };
 * const names: string[] = [];
 * describePluginContract(plugin, {
 *   describe: (_name, suite) => suite(), // in real life: import { describe, it } from 'vitest'
 *   it: (name) => names.push(name),
 *   options: [{ learningRate: 0.1 }],
 * });
 * console.log(names.length); // → 5
 * ```
 */
export function describePluginContract<T = unknown>(
  plugin: PluginDefinition,
  contract: PluginContractOptions<T>,
): void {
  const { describe, it, options = [], check } = contract ?? {};
  if (typeof describe !== 'function' || typeof it !== 'function') {
    throw tesseraeError({
      package: 'registry',
      code: 'E_CONTRACT',
      message: 'the contract needs the functions describe and it of a test runner',
      fix: "import { describe, it } from 'vitest' and pass them: describePluginContract(plugin, { describe, it })",
    });
  }
  const registered = { ...fields(plugin), create: plugin.create } as PluginDefinition<string, string>;
  const kit = (): ReturnType<typeof createRegistry<PluginDefinition[]>> =>
    createRegistry([plugin] as PluginDefinition[]);

  describe(`plugin contract: ${plugin.kind}:${plugin.name}`, () => {
    it('says what it is, and a registry takes it in', () => {
      assert.deepEqual(kit().list(), [fields(plugin)]);
      assert.equal(kit().has(plugin.kind, plugin.name), true);
    });

    it('replaces itself when it is taken in again, also as a second copy', () => {
      const registry = kit();
      registry.use(plugin);
      registry.use(registered);
      assert.equal(registry.list(plugin.kind).length, 1);
    });

    it('is not silently replaced by a plugin of another package', () => {
      const other = { ...registered, package: `${plugin.package}-of-somebody-else` };
      assert.throws(
        () => kit().use(other),
        (error) => isTesseraeError(error, 'E_PLUGIN_DUPLICATE'),
      );
    });

    it('makes its value by name, and again from the same options', async () => {
      const registry = kit();
      for (let time = 0; time < 2; time++) {
        const created = (await registry.create(plugin.kind, plugin.name, ...options)) as T;
        assert.notEqual(created, undefined, 'create made nothing');
        await check?.(created);
      }
    });

    it('makes its value under another name', async () => {
      const registry = createRegistry([]).use(plugin as PluginDefinition, { as: `${plugin.name}-renamed` });
      const created = (await registry.create(plugin.kind, `${plugin.name}-renamed` as string, ...options)) as T;
      await check?.(created);
    });
  });
}

function fields(plugin: PluginDefinition): Omit<PluginDefinition, 'create'> {
  const { kind, name, package: origin, apiVersion, description } = plugin;
  return { kind, name, package: origin, apiVersion, ...(description === undefined ? {} : { description }) };
}
