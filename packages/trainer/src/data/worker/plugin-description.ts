import { madeFrom } from '@tesserae/registry';
import type { Plain } from '../../checkpoints/format';

/** A plugin's product, to be made again: its name and its options. */
export interface PluginDescription {
  readonly name: string;
  readonly options: Plain;
}

/** Name and options of what a plugin of this package made; undefined when it cannot be made again from plain data. */
export function pluginOf(kind: 'objective' | 'augmenter', value: unknown): PluginDescription | undefined {
  const maker = madeFrom(value);
  if (maker?.kind !== kind || maker.package !== '@tesserae/trainer') return undefined;
  const options = maker.options === undefined ? null : asPlain(maker.options);
  return options === undefined ? undefined : { name: maker.name, options };
}

/** A value as JSON has it; undefined when something would be lost. */
function asPlain(value: unknown): Plain | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value)) {
    const list = value.map(asPlain);
    return list.includes(undefined) ? undefined : (list as Plain[]);
  }
  if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) return undefined;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  const plain = entries.map(([name, inner]) => [name, asPlain(inner)] as const);
  return plain.some(([, inner]) => inner === undefined) ? undefined : (Object.fromEntries(plain) as Plain);
}
