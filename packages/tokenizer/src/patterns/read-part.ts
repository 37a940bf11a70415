import { describeValue } from '@tesserae/registry';
import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { jsonError } from '../tokenizer-json/check';

/** How deep parts may be nested in one another. */
export const DEEPEST_NESTING = 32;

/** A part as it stands in a checked file. */
export function asPart(value: unknown, where: string): TokenizerPartJson {
  if (typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string')
    return value as TokenizerPartJson;
  throw jsonError(`${where} is ${describeValue(value)}, expected an object with a type`);
}

/** A setting that must be a string. */
export function stringSetting(part: TokenizerPartJson, name: string, otherwise?: string): string {
  const value = part[name] ?? otherwise;
  if (typeof value === 'string') return value;
  throw badSetting(part, name, value, 'a string');
}

/** A setting that must be true or false. */
export function booleanSetting(part: TokenizerPartJson, name: string, otherwise: boolean): boolean {
  const value = part[name] ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw badSetting(part, name, value, 'true or false');
}

/** A setting that must be an integer of at least 0. */
export function countSetting(part: TokenizerPartJson, name: string, otherwise?: number): number {
  const value = part[name] ?? otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw badSetting(part, name, value, 'an integer of at least 0');
}

/** A setting that must be a list. */
export function listSetting(part: TokenizerPartJson, name: string): readonly unknown[] {
  const value = part[name];
  if (Array.isArray(value)) return value;
  throw badSetting(part, name, value, 'a list');
}

function badSetting(part: TokenizerPartJson, name: string, value: unknown, expected: string): Error {
  return jsonError(`${part.type}.${name} is ${describeValue(value)}, expected ${expected}`);
}

/** The error for a sequence within a sequence within a sequence. */
export function tooDeep(where: string): Error {
  return jsonError(`${where} is nested more than ${DEEPEST_NESTING} deep`);
}
