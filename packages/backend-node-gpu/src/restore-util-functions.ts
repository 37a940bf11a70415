import nodeUtil from 'node:util';

/**
 * What Node 23 removed from `util` (DEP0045–DEP0059), and what it has announced to remove next (`isArray`, `_extend`).
 * tfjs-node 4.22 calls `isNullOrUndefined` and `isArray`; packages it brings along may call the others.
 */
const removed: Readonly<Record<string, (...values: never[]) => unknown>> = {
  isArray: (value: unknown): boolean => Array.isArray(value),
  isBoolean: (value: unknown): boolean => typeof value === 'boolean',
  isBuffer: (value: unknown): boolean => Buffer.isBuffer(value),
  isDate: (value: unknown): boolean => nodeUtil.types.isDate(value),
  isError: (value: unknown): boolean => nodeUtil.types.isNativeError(value) || value instanceof Error,
  isFunction: (value: unknown): boolean => typeof value === 'function',
  isNull: (value: unknown): boolean => value === null,
  isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  isNumber: (value: unknown): boolean => typeof value === 'number',
  isObject: (value: unknown): boolean => value !== null && typeof value === 'object',
  isPrimitive: (value: unknown): boolean =>
    value === null || (typeof value !== 'object' && typeof value !== 'function'),
  isRegExp: (value: unknown): boolean => nodeUtil.types.isRegExp(value),
  isString: (value: unknown): boolean => typeof value === 'string',
  isSymbol: (value: unknown): boolean => typeof value === 'symbol',
  isUndefined: (value: unknown): boolean => value === undefined,
  log: (...values: unknown[]): void => console.log(`${new Date().toISOString()} - ${nodeUtil.format(...values)}`),
  _extend: (target: unknown, source: unknown): unknown =>
    source === null || typeof source !== 'object' ? target : Object.assign(target as object, source),
};

/**
 * Puts back the functions that newer Node versions removed from `util`, only where they are missing.
 *
 * tfjs-node was written for Node versions that had them, and fails on its first tensor without them.
 *
 * @param util the module object to complete; Node's own unless given
 * @returns the names that were missing and are there now; empty on Node 22 and older
 * @see https://nodejs.org/api/deprecations.html (DEP0044–DEP0060)
 *
 * @example
 * ```ts
 * import { restoreUtilFunctions } from '@tesserae/backend-node-gpu';
 *
 * const util: Record<string, unknown> = { isArray: Array.isArray };
 * console.log(restoreUtilFunctions(util).includes('isNullOrUndefined')); // → true
 * console.log(restoreUtilFunctions(util).length); // → 0
 * ```
 */
export function restoreUtilFunctions(
  util: Record<string, unknown> = nodeUtil as unknown as Record<string, unknown>,
): string[] {
  const restored = Object.keys(removed).filter((name) => typeof util[name] !== 'function');
  for (const name of restored) {
    Object.defineProperty(util, name, { value: removed[name], configurable: true, writable: true, enumerable: false });
  }
  return restored;
}
