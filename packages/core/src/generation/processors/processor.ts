import { tesseraeError } from '@tesserae/registry';

/** What a processor may look at besides the logits. */
export interface ProcessorContext {
  /** The row's tokens so far, prompt first, without padding. */
  readonly ids: readonly number[];
}

/** Changes one row's logits in place, [V]; −∞ removes a token. */
export type LogitsProcessor = (logits: Float32Array, context: ProcessorContext) => void;

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
