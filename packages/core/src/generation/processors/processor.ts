import { tesseraeError } from '@tesserae/registry';

/** What a processor may look at besides the logits. */
export interface ProcessorContext {
  /** The row's tokens so far, prompt first, without padding; of an encoder-decoder the decoder's. */
  readonly ids: readonly number[];
  /** How many of `ids` stood there before the first new token; 0 when absent. */
  readonly promptLength?: number | undefined;
  /** The encoder's tokens of the row, for an encoder-decoder. */
  readonly encoderIds?: readonly number[] | undefined;
}

/** Changes one row's logits in place, [V]; −∞ removes a token. */
export type LogitsProcessor = (logits: Float32Array, context: ProcessorContext) => void;

/** How many tokens a filter leaves at least. */
export interface FilterOptions {
  /** Keep at least so many of the most likely tokens; 1 when absent. */
  readonly minTokensToKeep?: number | undefined;
}

/** Refuses an option of a processor, by name. */
export function refuseOption(name: string, value: unknown, wanted: string): never {
  throw tesseraeError({
    package: 'core',
    code: 'E_GENERATION_OPTION',
    message: `${name} is ${String(value)}`,
    fix: `give ${wanted}`,
    details: { name },
  });
}

/** A whole number from `from` up, or an error that names the option. */
export function checkCount(name: string, value: unknown, from: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < from)
    refuseOption(name, value, `a whole number from ${from} up`);
  return value as number;
}

/** A finite number, or an error that names the option. */
export function checkNumber(name: string, value: unknown): number {
  if (!Number.isFinite(value)) refuseOption(name, value, 'a finite number');
  return value as number;
}

/** A number strictly between 0 and 1, or an error that names the option. */
export function checkShare(name: string, value: unknown): number {
  if (!((value as number) > 0 && (value as number) < 1)) refuseOption(name, value, 'a number above 0 and below 1');
  return value as number;
}

/** A list of token ids, or an error that names the option. */
export function checkIds(name: string, value: unknown): readonly number[] {
  const ids = value as readonly number[];
  if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id) && id >= 0))
    refuseOption(name, JSON.stringify(value), 'a list of token ids');
  return ids;
}

/** One token id or several, as a list. */
export const idList = (name: string, value: number | readonly number[]): readonly number[] =>
  checkIds(name, typeof value === 'number' ? [value] : value);

/** `minTokensToKeep`, checked. */
export const countToKeep = (options: FilterOptions): number =>
  checkCount('minTokensToKeep', options.minTokensToKeep ?? 1, 1);
