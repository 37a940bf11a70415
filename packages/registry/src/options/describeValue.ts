/**
 * Says what a value is, in words short enough for a message: never a whole tensor, list or text.
 *
 * @param value anything
 * @returns a number or boolean as it is, the first 40 characters of a string in quotes, a list of up to six simple values
 *   in full, and else the kind of the value
 *
 * @example
 * ```ts
 * import { describeValue } from '@tesserae/registry';
 *
 * console.log(describeValue('off'), describeValue([1, 2]), describeValue({ a: 1 })); // → "off" [1, 2] an object
 * ```
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) {
    const simple = value.length <= 6 && value.every((item) => typeof item !== 'object' || item === null);
    return simple ? `[${value.map(describeValue).join(', ')}]` : `an array of ${value.length}`;
  }
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
