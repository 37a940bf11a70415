import * as tf from '@tensorflow/tfjs-core';
import { checkOptionNames, tesseraeError } from '@tesserae/registry';

/** Keys from `from` up to, and not including, `to`. */
export type KeyRange = readonly [from: number, to: number];

/** The cache of an endless stream: the first tokens of the text, and the last ones. */
export interface StreamShape {
  /** First tokens that are kept for ever. */
  readonly sinks: number;
  /** Last tokens that are kept, the newest included. */
  readonly window: number;
}

/** Settings of a pattern: plain values, so that they can be written to a file. */
export type PatternOptions = Readonly<Record<string, number | boolean | string | readonly number[] | undefined>>;

/**
 * Which keys a query may see: a rule, and where to look for what it allows.
 *
 * The rule is exact; `reach` only has to hold everything that the rule allows, and decides what attention costs. Positions
 * count from the first token of the text.
 */
export interface AttentionPattern {
  /** `sliding-window`; the name of its plugin. */
  readonly name: string;
  readonly options: PatternOptions;
  /** Whether no query sees a later key. */
  readonly causal: boolean;
  /** Queries and keys are computed in squares of so many: a multiple of 16 runs fastest. */
  readonly blockSize: number;
  /** Whether the query at one position sees the key at another, in a text of so many keys. */
  sees(query: number, key: number, keys: number): boolean;
  /** Ranges of keys that hold all that queries from `first` to `last` (inclusive) see. */
  reach(first: number, last: number, keys: number): readonly KeyRange[];
  /** `sees` for positions known only when a program runs: int32 [T] queries, keys 0 … S−1 → bool [T, S]. */
  visible(queries: tf.Tensor, keys: number): tf.Tensor;
  /** Set where a text can go on for ever in a cache of constant size. */
  readonly stream?: StreamShape | undefined;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Which keys a query sees, in time that grows with the length of the text and not with its square. */
    attention: AttentionPattern;
  }
}

/** The error of a pattern that cannot be. */
export function patternError(name: string, message: string, fix: string): Error {
  return tesseraeError({ package: 'core', plugin: name, code: 'E_PATTERN', message, fix });
}

/** Checks that an option is a whole number from `low` up. */
export function requireWhole(pattern: string, option: string, value: unknown, low: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= low) return value as number;
  throw patternError(pattern, `${option} is ${String(value)}`, `give a whole number from ${low} up`);
}

/** Checks that options hold nothing unknown. */
export function requireKnown(pattern: string, options: unknown, known: readonly string[]): void {
  checkOptionNames({ package: 'core', plugin: pattern, name: pattern, code: 'E_PATTERN' }, options, known);
}

/** Checks an option that is true or false. */
export function requireFlag(pattern: string, option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw patternError(pattern, `${option} is ${String(value)}`, 'give true or false');
}

/** A block that cuts a window into about four, so that little of what is computed lies outside. */
export const blockFor = (window: number): number => (window >= 256 ? 64 : window >= 64 ? 32 : 16);

/** int32 [T] → [T, 1], and the keys 0 … S−1 as [1, S]: what `visible` compares. */
export function grid(queries: tf.Tensor, keys: number): { query: tf.Tensor; key: tf.Tensor } {
  return {
    query: tf.reshape(queries, [queries.size, 1]),
    key: tf.reshape(tf.range(0, keys, 1, 'int32'), [1, keys]),
  };
}

/** A whole number as an int32 scalar. */
export const int = (value: number): tf.Scalar => tf.scalar(value, 'int32');

/**
 * The exact mask of a pattern: what its linear computation is held to.
 *
 * @param pattern the pattern
 * @param queries T; the last query stands at the last key
 * @param keys S, at least T; as many as queries when absent
 * @returns bool [T, S]: true where a query sees a key
 * @throws E_PATTERN when there are fewer keys than queries, or the numbers are not whole
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { attentionMask, slidingWindow } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(attentionMask(slidingWindow({ window: 2 }), 3).arraySync()); // → [ [ 1, 0, 0 ], [ 1, 1, 0 ], [ 0, 1, 1 ] ]
 * ```
 */
export function attentionMask(pattern: AttentionPattern, queries: number, keys: number = queries): tf.Tensor2D {
  requireWhole(pattern.name, 'queries', queries, 1);
  requireWhole(pattern.name, 'keys', keys, 1);
  if (keys < queries) throw patternError(pattern.name, `${keys} keys for ${queries} queries`, 'give a key a query');
  const mask = new Uint8Array(queries * keys);
  for (let t = 0; t < queries; t++) {
    for (let s = 0; s < keys; s++) mask[t * keys + s] = Number(pattern.sees(keys - queries + t, s, keys));
  }
  return tf.tensor2d(mask, [queries, keys], 'bool'); // [T, S]
}
