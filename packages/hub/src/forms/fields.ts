import { tesseraeError } from '@tesserae/registry';

/** The content of a config.json. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** Reads the fields of a config.json, each with the default of its Hugging Face class, and names what is wrong. */
export interface Fields {
  /** The field as it is; null counts as absent. */
  has(name: string): boolean;
  raw(name: string): unknown;
  /** Whether the field is there and null. */
  isNull(name: string): boolean;
  /** A whole number from `from` up. */
  count(name: string, fallback: number, from?: number): number;
  /** As `count`, where null and absence mean something of their own. */
  optionalCount(name: string, from?: number): number | undefined;
  /** A finite number that `accept` agrees to. */
  number(name: string, fallback: number, wanted?: string, accept?: (value: number) => boolean): number;
  boolean(name: string, fallback: boolean): boolean;
  /** One of the names in the table; any other is refused with the list. */
  choice<T>(name: string, fallback: string, table: Readonly<Record<string, T>>): T;
  /** A token id, several (where `many`), null, or the class's default when absent. */
  tokenId(name: string, fallback: number | null): number | null;
  tokenIds(name: string, fallback: number | null): number | readonly number[] | null;
  /** Refuses a field whose value is not among those that change nothing. */
  only(name: string, accepted: readonly unknown[], why: string): void;
}

const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 200);

/** A field with a value that no model can have. */
export function fieldError(what: string, name: string, value: unknown, wanted: string): Error {
  return tesseraeError({
    package: 'hub',
    code: 'E_CONFIG_FIELD',
    message: `${what}: ${name} is ${show(value)}`,
    fix: `give ${wanted}`,
    details: { field: name },
  });
}

/** A field with a value that other libraries know and this one does not (yet). */
export function unsupported(what: string, name: string, value: unknown, why: string): Error {
  return tesseraeError({
    package: 'hub',
    code: 'E_UNSUPPORTED',
    message: `${what}: ${name} is ${show(value)}: ${why}`,
    fix: 'convert the model, or use one without it',
    details: { field: name },
  });
}

const isCount = (value: unknown, from: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= from;

/** @param what the file's name, for messages */
export function readFields(json: ConfigJson, what: string): Fields {
  const raw = (name: string): unknown => (Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined);
  const isNull = (name: string): boolean => Object.hasOwn(json, name) && json[name] === null;
  const optionalCount = (name: string, from = 1): number | undefined => {
    const value = raw(name);
    if (value === undefined || isCount(value, from)) return value;
    throw fieldError(what, name, value, `a whole number from ${from} up`);
  };
  const tokenIds = (name: string, fallback: number | null): number | readonly number[] | null => {
    const value = raw(name);
    if (value === undefined) return isNull(name) ? null : fallback;
    const list = Array.isArray(value) ? (value as unknown[]) : [value];
    // -1 stands for "none" in some older checkpoints
    if (!list.every((id) => isCount(id, -1)))
      throw fieldError(what, name, value, 'a token id, a list of them, or null');
    return value as number | readonly number[];
  };
  return {
    raw,
    isNull,
    has: (name) => raw(name) !== undefined,
    optionalCount,
    count: (name, fallback, from = 1) => optionalCount(name, from) ?? fallback,
    number(name, fallback, wanted = 'a number', accept = () => true) {
      const value = raw(name) ?? fallback;
      if (typeof value === 'number' && Number.isFinite(value) && accept(value)) return value;
      throw fieldError(what, name, value, wanted);
    },
    boolean(name, fallback) {
      const value = raw(name) ?? fallback;
      if (typeof value === 'boolean') return value;
      throw fieldError(what, name, value, 'true or false');
    },
    choice(name, fallback, table) {
      const value = raw(name) ?? fallback;
      if (typeof value === 'string' && Object.hasOwn(table, value)) return table[value];
      throw unsupported(what, name, value, `supported are ${Object.keys(table).join(', ')}`);
    },
    tokenIds,
    tokenId(name, fallback) {
      const value = tokenIds(name, fallback);
      if (Array.isArray(value)) throw fieldError(what, name, value, 'one token id or null');
      return value as number | null;
    },
    only(name, accepted, why) {
      const value = raw(name);
      if (value === undefined || accepted.some((one) => show(one) === show(value))) return;
      throw unsupported(what, name, value, why);
    },
  };
}
