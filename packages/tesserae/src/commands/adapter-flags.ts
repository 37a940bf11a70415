import type { Model } from '@tesserae/core';
import { adapt, countLearned, lora } from '@tesserae/trainer';
import type { LoraOptions } from '@tesserae/trainer';
import type { Command } from 'commander';
import { problem } from '../problem';
import type { CommandContext } from './context';
import { real, whole } from './parse';

/** The flags of `tesserae train` that put a low-rank adapter on the model. */
export interface AdapterFlags {
  lora?: number;
  loraAlpha?: number;
  loraTargets?: string;
  loraMethod?: string;
  loraDropout?: number;
}

const methods: Readonly<Record<string, LoraOptions>> = {
  lora: {},
  rslora: { rankStabilized: true },
  dora: { decomposed: true },
};

/** Adds the flags to a command. */
export const addAdapterFlags = (command: Command): Command =>
  command
    .option('--lora <rank>', 'learn a low-rank adapter of --from alone, and save it as PEFT does', whole(1))
    .option('--lora-alpha <alpha>', 'what the adapter is multiplied with, over its rank (8)', real(0))
    .option('--lora-targets <names>', 'modules, with commas between, or all-linear (queries and values)')
    .option('--lora-method <name>', `${Object.keys(methods).join(', ')} (lora)`)
    .option('--lora-dropout <share>', "share of the adapter's inputs that is dropped (0)", real(0));

/** The model with the adapter that the flags ask for; the model itself when they ask for none. */
export function withAdapterOf(
  base: Model,
  flags: AdapterFlags & { readonly seed: number },
  context: CommandContext,
): Model {
  if (flags.lora === undefined) return base;
  const model = adapt(base, lora(optionsOf(flags, flags.lora)));
  const { adapter, total } = countLearned(model);
  context.note(`${adapter.toLocaleString('en')} numbers learn: ${((100 * adapter) / total).toFixed(2)} % of all`);
  return model;
}

/** @throws E_OPTION for flags that say how a low-rank adapter learns where none was asked for, or that there is no base */
export function checkAdapterFlags({ from, ...flags }: AdapterFlags & { readonly from?: string | undefined }): void {
  const { lora: rank, loraAlpha, loraTargets, loraMethod, loraDropout } = flags;
  const given = { '--lora-alpha': loraAlpha, '--lora-targets': loraTargets, '--lora-method': loraMethod, '--lora-dropout': loraDropout }; // prettier-ignore
  const [alone] = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (rank === undefined && alone !== undefined)
    throw problem('E_OPTION', `${alone} is given without --lora`, 'give --lora RANK with it, for instance --lora 8');
  if (rank !== undefined && from === undefined)
    throw problem(
      'E_OPTION',
      '--lora is given without --from',
      'name the model that the adapter stands on: --from MODEL',
    );
  if (loraMethod !== undefined && !Object.hasOwn(methods, loraMethod))
    throw problem('E_OPTION', `there is no way '${loraMethod}' of low-rank adaptation`, `use one of ${Object.keys(methods).join(', ')}`); // prettier-ignore
}

function optionsOf(
  { loraAlpha, loraTargets, loraMethod = 'lora', loraDropout, seed }: AdapterFlags & { readonly seed: number },
  rank: number,
): LoraOptions {
  return {
    rank,
    seed,
    ...methods[loraMethod],
    ...(loraAlpha !== undefined && { alpha: loraAlpha }),
    ...(loraDropout !== undefined && { dropout: loraDropout }),
    ...(loraTargets !== undefined && { targets: loraTargets === 'all-linear' ? loraTargets : loraTargets.split(',') }),
  };
}
