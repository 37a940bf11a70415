import { attentionSinks, blockSparse, localGlobal, slidingWindow } from '@tesserae/core';
import type { ArchitectureConfig, AttentionPattern } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { fieldError, unsupported } from '../forms/fields';
import type { ConfigJson } from '../forms/fields';
import type { Form } from '../forms/form';

/**
 * Attention patterns have no field in Hugging Face's configs (but Mistral's window, which is a field of its own), so they
 * travel in one of ours, which other tools do not look at: `"tesserae": { "attention": { "name": …, "options": … } }`.
 */
const makers: Readonly<Record<string, (options: never) => AttentionPattern>> = {
  'sliding-window': slidingWindow,
  'local-global': localGlobal,
  'block-sparse': blockSparse,
  'attention-sinks': attentionSinks,
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The pattern that a config.json names, if it names one. */
export function readAttention(json: ConfigJson, { architecture }: Form, what: string): AttentionPattern | undefined {
  const own = Object.hasOwn(json, 'tesserae') ? json.tesserae : undefined;
  if (!isRecord(own) || !Object.hasOwn(own, 'attention')) return undefined;
  const { attention } = own;
  const field = 'tesserae.attention';
  if (architecture.endless === undefined) {
    throw unsupported(what, field, attention, `${architecture.name} takes no attention pattern`);
  }
  if (!isRecord(attention) || typeof attention.name !== 'string' || !isRecord(attention.options)) {
    throw fieldError(what, field, attention, 'the name and the options of a pattern');
  }
  if (!Object.hasOwn(makers, attention.name)) {
    const known = Object.keys(makers).join(', ');
    throw unsupported(
      what,
      field,
      attention.name,
      `known are ${known}; other patterns are given to the model's config`,
    );
  }
  try {
    return makers[attention.name](attention.options as never);
  } catch (error) {
    if (!isTesseraeError(error, 'E_PATTERN')) throw error;
    throw fieldError(what, field, attention, 'options that its pattern takes');
  }
}

/** A config.json with the pattern of a config in it, and without one that is no longer there. */
export function withAttentionField(json: ConfigJson, { attention }: ArchitectureConfig): ConfigJson {
  const { tesserae, ...rest } = json;
  const { attention: before, ...others } = isRecord(tesserae) ? tesserae : {};
  const { name, options } = attention ?? {};
  const now = attention && { name, options: JSON.parse(JSON.stringify(options)) as unknown };
  if (JSON.stringify(before) === JSON.stringify(now)) return json;
  const own = { ...others, ...(now && { attention: now }) };
  return Object.keys(own).length > 0 ? { ...rest, tesserae: own } : rest;
}
