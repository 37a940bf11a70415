import type * as tf from '@tensorflow/tfjs-core';

/** A guest of the forward pass: sees named intermediate values, and may replace them. */
export interface Capture {
  /** Whether anybody asks for this value; costly values (attention weights) are only made when somebody does. */
  wants(name: string): boolean;
  /** Called with each value as it is made; what it returns is used in its place. */
  visit(name: string, value: tf.Tensor): tf.Tensor;
  /** What was collected so far, by name. */
  readonly values: Record<string, tf.Tensor>;
}

/** What `createCapture` collects and replaces. */
export interface CaptureOptions {
  /** Names to collect; `*` stands for one segment (`layers.*.output`), `**` for any number. None when absent. */
  readonly names?: readonly string[] | undefined;
  /** Replacements: a name (or pattern) and a function from the value to the one that is used in its place. */
  readonly intercept?: Readonly<Record<string, (value: tf.Tensor, name: string) => tf.Tensor>> | undefined;
}

/**
 * Makes a capture: a list of intermediate values to collect, and of values to replace on the way.
 *
 * Make a new one for each forward pass. The collected tensors are ordinary results: inside `compile` return
 * `capture.values`, outside dispose them.
 *
 * @param options which names to collect and which to replace
 * @returns the capture to hand to `forward` as `options.capture`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createCapture } from '@tesserae/core';
 *
 * const capture = createCapture({ names: ['layers.*.output'], intercept: { embeddings: (value) => tf.zerosLike(value) } });
 * console.log(capture.wants('layers.3.output'), capture.wants('finalNorm')); // → true false
 * ```
 */
export function createCapture(options: CaptureOptions = {}): Capture {
  const collect = (options.names ?? []).map(pattern);
  const replace = Object.entries(options.intercept ?? {}).map(([name, change]) => ({ matches: pattern(name), change }));
  const values: Record<string, tf.Tensor> = {};
  return {
    values,
    wants: (name) => collect.some((matches) => matches(name)) || replace.some(({ matches }) => matches(name)),
    visit(name, value) {
      let current = value;
      for (const { matches, change } of replace) if (matches(name)) current = change(current, name);
      if (collect.some((matches) => matches(name))) values[name] = current;
      return current;
    },
  };
}

/**
 * Shows a value to a capture, if there is one, and goes on with what it returns.
 *
 * @param capture the capture of the forward options, or nothing
 * @param name the value's name, `layers.3.output`
 * @param value any tensor
 * @returns the value, or its replacement
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { observe } from '@tesserae/core';
 *
 * const value = tf.scalar(1);
 * console.log(observe(undefined, 'embeddings', value) === value); // → true
 * ```
 */
export function observe(capture: Capture | undefined, name: string, value: tf.Tensor): tf.Tensor {
  return capture?.wants(name) ? capture.visit(name, value) : value;
}

function pattern(text: string): (name: string) => boolean {
  if (!text.includes('*')) return (name) => name === text;
  const source = text
    .split('.')
    .map((part) => (part === '**' ? '.+' : part.replace(/[^*\w-]/g, '\\$&').replace(/\*/g, '[^.]*')))
    .join('\\.');
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}
