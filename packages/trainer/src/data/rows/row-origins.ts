/** Where rows come from, as `file:line`; kept beside them, so that rows stay what they are. */
const origins = /* @__PURE__ */ new WeakMap<object, string>();

/** Remembers where a row comes from. */
export const setOrigin = (row: object, file: string, line: number): void => void origins.set(row, `${file}:${line}`);

/** `file:line` of a row that was read from a file, or of the row that it was made from. */
export const originOf = (row: unknown): string | undefined =>
  typeof row === 'object' && row !== null ? origins.get(row) : undefined;

/** What is made of a row comes from where the row comes from. */
export function passOriginOn(from: unknown, to: unknown): void {
  if (from === to || typeof to !== 'object' || to === null || origins.has(to)) return;
  const origin = originOf(from);
  if (origin !== undefined) origins.set(to, origin);
}
