export { isTesseraeError, tesseraeError } from './errors';
export type { TesseraeError, TesseraeErrorOptions } from './errors';
export { nearestName } from './names/nearestName';
export { checkOptionNames, checkOptions } from './options/checkOptions';
export type { OptionCaller } from './options/checkOptions';
export { describeValue } from './options/describeValue';
export { oneOf, optionRules, required } from './options/optionRules';
export type { CommonRule, OptionRule, OptionRules } from './options/optionRules';
export { pluginApiVersion } from './plugins/checkPlugin';
export { definePlugin } from './plugins/definePlugin';
export { madeFrom } from './plugins/madeFrom';
export type { MadeFrom } from './plugins/madeFrom';
export type { PluginCatalog, PluginContract, PluginKind, PluginKinds } from './plugins/kinds';
export type { Plugin, PluginCreate, PluginDefinition } from './plugins/plugin';
export { createRegistry } from './registry/createRegistry';
export type { RegistryOptions } from './registry/createRegistry';
export type {
  CatalogName,
  Created,
  CreateOf,
  NameArgument,
  OptionsArgument,
  OptionsOf,
  OwnName,
  PluginEntry,
  PluginOf,
  Registry,
  RegistryKind,
  RegistryName,
  Renamed,
  UseOptions,
} from './registry/registry';
