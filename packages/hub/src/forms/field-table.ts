import type { ArchitectureConfig } from '@tesserae/core';
import type { Fields } from './fields';
import { readActivation } from './form';

/** One field: its name in config.json, and how it is read, with the default of the Hugging Face class. */
export interface Field<V = unknown> {
  readonly name: string;
  read(fields: Fields, what: string): V;
}

/** A family's fields by their names here. */
export type FieldTable<C> = { readonly [K in keyof C]?: Field<C[K]> };

const isRate = (value: number): boolean => value >= 0 && value < 1;

/** A whole number from 1 up. */
export const count = (name: string, fallback: number): Field<number> => ({
  name,
  read: (fields) => fields.count(name, fallback),
});

/** A whole number from 1 up, or null. */
export const countOrNull = (name: string): Field<number | null> => ({
  name,
  read: (fields) => fields.optionalCount(name) ?? null,
});

/** A share from 0 to below 1. */
export const rate = (name: string, fallback: number): Field<number> => ({
  name,
  read: (fields) => fields.number(name, fallback, 'a number from 0 to below 1', isRate),
});

/** A share, or null. */
export const rateOrNull = (name: string): Field<number | null> => ({
  name,
  read: (fields) => (fields.has(name) ? rate(name, 0).read(fields, '') : null),
});

/** A number from 0 up. */
export const amount = (name: string, fallback: number): Field<number> => ({
  name,
  read: (fields) => fields.number(name, fallback, 'a number from 0 up', (value) => value >= 0),
});

/** True or false. */
export const flag = (name: string, fallback: boolean): Field<boolean> => ({
  name,
  read: (fields) => fields.boolean(name, fallback),
});

/** A token id or null. */
export const token = (name: string, fallback: number | null): Field<number | null> => ({
  name,
  read: (fields) => fields.tokenId(name, fallback),
});

/** A token id, several, or null. */
export const tokens = (name: string, fallback: number | null): Field<number | readonly number[] | null> => ({
  name,
  read: (fields) => fields.tokenIds(name, fallback),
});

/** The name of an activation. */
export const act = (name: string, fallback: string): Field<string> => ({
  name,
  read: (fields, what) => readActivation(fields, name, fallback, what),
});

/** Reads every field of a table. */
export function readTable<C extends ArchitectureConfig>(
  table: FieldTable<C>,
  fields: Fields,
  what: string,
): Partial<C> {
  const entries = Object.entries(table) as [string, Field][];
  return Object.fromEntries(entries.map(([ours, field]) => [ours, field.read(fields, what)])) as unknown as Partial<C>;
}

/** Writes every field of a table. */
export function writeTable<C extends ArchitectureConfig>(table: FieldTable<C>, config: C): Record<string, unknown> {
  const entries = Object.entries(table) as [keyof C & string, Field][];
  return Object.fromEntries(entries.map(([ours, { name }]) => [name, config[ours] ?? null]));
}

/** Refuses what would change the numbers of an encoder or an encoder-decoder and is not done here. */
export function refuseUnread(fields: Fields, isEncoderDecoder: boolean): void {
  fields.only('quantization_config', [], 'quantized checkpoints are not read');
  fields.only(
    'is_encoder_decoder',
    [isEncoderDecoder],
    `this form is ${isEncoderDecoder ? 'one' : 'an encoder alone'}`,
  );
  fields.only('add_cross_attention', [false], 'encoders that read another encoder are not read');
  fields.only('pruned_heads', [{}], 'heads that were pruned away are not read');
  fields.only('tie_encoder_decoder', [false], 'encoders and decoders with one set of layers are not read');
}
