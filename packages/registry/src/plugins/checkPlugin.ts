import { tesseraeError } from '../errors';
import type { TesseraeError } from '../errors';
import type { PluginDefinition } from './plugin';

/** The version of the plugin interface of this package: plugins state the one they were written for. */
export const pluginApiVersion = 1;

const identifier = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Throws unless the value is a complete plugin description; says which field is wrong and what was found. */
export function checkPlugin(value: unknown): asserts value is PluginDefinition {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    throw invalid('a plugin', 'an object with kind, name, package, apiVersion and create', value);
  }
  const plugin = value as Partial<Record<keyof PluginDefinition, unknown>>;
  for (const field of ['kind', 'name'] as const) {
    const text = plugin[field];
    if (typeof text !== 'string' || !identifier.test(text)) {
      throw invalid(`the plugin's ${field}`, 'letters, digits, ".", "_" or "-"', text);
    }
  }
  const speaker = `plugin ${String(plugin.kind)}:${String(plugin.name)}`;
  if (typeof plugin.package !== 'string' || plugin.package === '') {
    throw invalid(`the package of ${speaker}`, 'the name of its npm package', plugin.package);
  }
  if (!Number.isSafeInteger(plugin.apiVersion) || (plugin.apiVersion as number) < 1) {
    throw invalid(`the apiVersion of ${speaker}`, 'a positive integer', plugin.apiVersion);
  }
  if (plugin.description !== undefined && typeof plugin.description !== 'string') {
    throw invalid(`the description of ${speaker}`, 'a sentence', plugin.description);
  }
  if (typeof plugin.create !== 'function') {
    throw invalid(`the create of ${speaker}`, 'a function of one argument, the options', plugin.create);
  }
}

function invalid(what: string, expected: string, found: unknown): TesseraeError {
  return tesseraeError({
    package: 'registry',
    code: 'E_PLUGIN_INVALID',
    message: `${what} must be ${expected}, found ${show(found)}`,
    fix: 'make the plugin with definePlugin({ kind, name, package, apiVersion, create })',
  });
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) {
    return String(value);
  }
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
