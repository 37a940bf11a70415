/** The plugin that made a value, and the options that it was given. */
export interface MadeFrom {
  readonly kind: string;
  readonly name: string;
  readonly package: string;
  /** As they were given; undefined when there were none. */
  readonly options: unknown;
}

const MADE_FROM = /* @__PURE__ */ Symbol.for('tesserae.made-from');

const carries = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/** Writes on a value what made it, where no loop and no copy sees it; frozen values stay as they are. */
export function rememberMaker(value: unknown, maker: MadeFrom): void {
  if (carries(value) && Object.isExtensible(value))
    Object.defineProperty(value, MADE_FROM, { value: maker, configurable: true });
}

/**
 * Says which plugin made a value by being called, and with which options, so that the value can be made again elsewhere: in a
 * worker, on another machine.
 *
 * @param value what a plugin returned
 * @returns kind, name, package and options; undefined for what no plugin made, for promises and frozen values
 *
 * @example
 * ```ts
 * import { definePlugin, madeFrom } from '@tesserae/registry';
 *
 * declare module '@tesserae/registry' {
 *   interface PluginKinds { shape: { sides: number } }
 * }
 * const polygon = definePlugin({
 *   kind: 'shape',
 *   name: 'polygon',
 *   package: 'my-package',
 *   apiVersion: 1,
 *   create: (options: { sides: number }) => ({ sides: options.sides }),
 * });
 * console.log(madeFrom(polygon({ sides: 6 }))?.options); // → { sides: 6 }
 * ```
 */
export function madeFrom(value: unknown): MadeFrom | undefined {
  return carries(value) ? (value as { [MADE_FROM]?: MadeFrom })[MADE_FROM] : undefined;
}
