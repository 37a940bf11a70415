import { nearestName, tesseraeError } from '@tesserae/registry';
import type { ArchitectureConfig } from '../model/types';
import type { AttentionPattern } from '../nn/sparse/pattern';

/** An error about a config, with the architecture it is for. */
export function configError(architecture: string, message: string, fix: string): Error {
  return tesseraeError({ package: 'core', code: 'E_CONFIG', message: `${architecture}: ${message}`, fix });
}

/** Checks that a config's attention is a pattern, and not its name or its options. */
export function checkPattern(architecture: string, attention: unknown): AttentionPattern {
  const pattern = attention as Partial<AttentionPattern> | null;
  if (typeof pattern?.sees === 'function' && typeof pattern.reach === 'function') return pattern as AttentionPattern;
  throw configError(
    architecture,
    `attention is ${JSON.stringify(attention) ?? String(attention)}, no attention pattern`,
    'make one, such as slidingWindow({ window: 256 })',
  );
}

/** Fields that any config may have. */
const common = ['head', 'numLabels', 'problemType', 'classifierDropout'];

/** Lays a config over its defaults; refuses fields that the architecture does not know. */
export function completeConfig<C extends object>(
  architecture: string,
  defaults: C,
  given: Partial<C>,
  alsoKnown: readonly string[] = [],
): C {
  const known = [...Object.keys(defaults), ...alsoKnown, ...common];
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearestName(name, known);
    throw configError(
      architecture,
      `the option '${name}' is unknown`,
      near ? `did you mean '${near}'?` : `known are ${known.join(', ')}`,
    );
  }
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...defaults, ...present };
}

/** Checks that fields are whole numbers from 1 up. */
export function requireCounts<C extends ArchitectureConfig>(
  architecture: string,
  config: C,
  names: readonly (keyof C & string)[],
): void {
  for (const name of names) {
    const value = config[name];
    if (!Number.isInteger(value) || (value as number) < 1) {
      throw configError(architecture, `${name} is ${String(value)}`, 'use a whole number from 1 up');
    }
  }
}

/** Checks that fields are numbers from low up to, and not including, high. */
export function requireRange<C extends ArchitectureConfig>(
  architecture: string,
  config: C,
  names: readonly (keyof C & string)[],
  low: number,
  high: number,
): void {
  for (const name of names) {
    const value = config[name] as unknown;
    if (typeof value !== 'number' || !(value >= low && value < high)) {
      throw configError(architecture, `${name} is ${String(value)}`, `use a number from ${low} to below ${high}`);
    }
  }
}
