import type { RopeScaling } from '@tesserae/core';
import { fieldError, readFields, unsupported } from './fields';
import type { ConfigJson, Fields } from './fields';

/** What a Llama-like config says of its rotary embeddings. */
export interface RopeFields {
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
}

const types: Readonly<Record<string, RopeScaling['type']>> = {
  default: 'default',
  linear: 'linear',
  dynamic: 'dynamic',
  llama3: 'llama3',
  yarn: 'yarn',
  longrope: 'longrope',
};

/** Names in the file and here, one to one. */
const names = {
  factor: 'factor',
  original_max_position_embeddings: 'originalMaxPositionEmbeddings',
  low_freq_factor: 'lowFreqFactor',
  high_freq_factor: 'highFreqFactor',
  attention_factor: 'attentionFactor',
  beta_fast: 'betaFast',
  beta_slow: 'betaSlow',
  mscale: 'mscale',
  mscale_all_dim: 'mscaleAllDim',
} as const;

/** Which of them each type reads; transformers ignores the others. */
const used: Readonly<Record<RopeScaling['type'], readonly (keyof typeof names)[]>> = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor'],
  llama3: ['factor', 'original_max_position_embeddings', 'low_freq_factor', 'high_freq_factor'],
  yarn: [
    'factor',
    'original_max_position_embeddings',
    'attention_factor',
    'beta_fast',
    'beta_slow',
    'mscale',
    'mscale_all_dim',
  ],
  longrope: ['factor', 'original_max_position_embeddings', 'attention_factor'],
};

/** Lists of divisors that longrope reads. */
const lists = { short_factor: 'shortFactor', long_factor: 'longFactor' } as const;

/** @param outer the config itself, where it may say more; nothing for the rotary embeddings of one type of layer */
function readScaling(rope: Fields, outer: Fields | undefined, maxPositions: number, what: string): RopeScaling | null {
  const type = rope.choice(rope.has('rope_type') ? 'rope_type' : 'type', 'default', types);
  if (type === 'default') return null;
  const scaling: Record<string, number | boolean | number[]> = {};
  for (const name of used[type]) {
    if (rope.has(name)) scaling[names[name]] = rope.number(name, 0, 'a number above 0', (x) => x > 0);
  }
  if (type === 'llama3' || type === 'yarn' || type === 'longrope') {
    // a field of the same name outside wins, as in transformers
    const original = outer?.optionalCount('original_max_position_embeddings');
    scaling.originalMaxPositionEmbeddings = original ?? scaling.originalMaxPositionEmbeddings ?? maxPositions;
  }
  if (type === 'yarn' || type === 'longrope') {
    scaling.factor ??= maxPositions / (scaling.originalMaxPositionEmbeddings as number);
    // transformers looks for it outside the layers' own, where it never is
    if (type === 'yarn' && outer && rope.has('truncate')) scaling.truncate = rope.boolean('truncate', true);
  }
  if (type === 'longrope') {
    for (const [name, ours] of Object.entries(lists)) {
      const value = rope.raw(name);
      const numbers = Array.isArray(value) && value.every((one) => typeof one === 'number' && one > 0);
      if (!numbers) throw fieldError(what, name, value, 'a list of numbers above 0');
      scaling[ours] = value as number[];
    }
  }
  const required = type === 'yarn' || type === 'longrope' ? [] : used[type];
  const missing = required.find((name) => scaling[names[name]] === undefined);
  if (missing !== undefined) throw fieldError(what, missing, null, `a number: the rotary type '${type}' needs it`);
  return { type, ...scaling };
}

const wanted = 'a number above 0';
const isPositive = (x: number): boolean => x > 0;
const layerTypes = ['full_attention', 'sliding_attention'] as const;

/** A field that is an object of rotary settings, or absent. */
function openRope(fields: Fields, name: string, what: string): Fields {
  const value = fields.raw(name) ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw fieldError(what, name, value, 'an object or null');
  return readFields(value as ConfigJson, `${what}: ${name}`);
}

/** `rope_scaling` (transformers 4) or `rope_parameters` (5), the same for all layers. */
function openFlatRope(fields: Fields, what: string): Fields {
  const name = fields.has('rope_scaling') ? 'rope_scaling' : 'rope_parameters';
  const rope = openRope(fields, name, what);
  for (const layerType of layerTypes) {
    if (rope.has(layerType))
      throw unsupported(what, name, fields.raw(name), 'rotary embeddings of this form do not differ by layer');
  }
  return rope;
}

/** Reads `rope_theta` and `rope_scaling` (transformers 4) or `rope_parameters` (5). */
export function readRope(fields: Fields, maxPositions: number, what: string, usualTheta = 10000): RopeFields {
  const rope = openFlatRope(fields, what);
  for (const place of [rope, fields]) {
    place.only('partial_rotary_factor', [1], 'rotary embeddings of a part of the head are not read');
  }
  const outer = fields.number('rope_theta', usualTheta, wanted, isPositive);
  return {
    ropeTheta: rope.number('rope_theta', outer, wanted, isPositive),
    ropeScaling: readScaling(rope, fields, maxPositions, what),
  };
}

/** As `readRope`, of a part of each head: GPT-NeoX's `rotary_emb_base` and `rotary_pct` (transformers 4). */
export function readPartialRope(
  fields: Fields,
  maxPositions: number,
  what: string,
): RopeFields & { readonly rotaryFraction: number } {
  const rope = openFlatRope(fields, what);
  const base = fields.number('rotary_emb_base', 10000, wanted, isPositive);
  const ropeTheta = rope.number('rope_theta', base, wanted, isPositive);
  const share = fields.number('rotary_pct', 0.25, 'a number up to 1', (x) => x > 0 && x <= 1);
  const rotaryFraction = rope.number('partial_rotary_factor', share, 'a number up to 1', (x) => x > 0 && x <= 1);
  // transformers writes these two beside the others, and reads the others
  fields.only('rope_theta', [ropeTheta], 'rotary_emb_base or rope_parameters say otherwise');
  fields.only('partial_rotary_factor', [rotaryFraction], 'rotary_pct or rope_parameters say otherwise');
  return { ropeTheta, ropeScaling: readScaling(rope, fields, maxPositions, what), rotaryFraction };
}

/** What a config says of rotary embeddings that differ between full and sliding layers. */
export interface LayeredRopeFields extends RopeFields {
  readonly localRopeTheta: number;
  readonly localRopeScaling: RopeScaling | null;
}

/**
 * Reads Gemma 3's `rope_theta`, `rope_local_base_freq` and `rope_scaling`, for full layers (transformers 4), or
 * `rope_parameters` by type of layer (5).
 */
export function readLayeredRope(fields: Fields, maxPositions: number, what: string): LayeredRopeFields {
  const nested = openRope(fields, 'rope_parameters', what);
  for (const flat of ['rope_type', 'type', 'rope_theta', 'factor']) {
    if (nested.has(flat)) {
      const why = 'it must hold full_attention and sliding_attention';
      throw unsupported(what, 'rope_parameters', fields.raw('rope_parameters'), why);
    }
  }
  const [own, local] = layerTypes.map((type) => openRope(nested, type, `${what}: rope_parameters`));
  const scaled = fields.has('rope_scaling') ? openFlatRope(fields, what) : own;
  for (const place of [fields, own, local, scaled]) {
    place.only('partial_rotary_factor', [1], 'rotary embeddings of a part of the head are not read');
  }
  const theta = fields.number('rope_theta', 1_000_000, wanted, isPositive);
  const localTheta = fields.number('rope_local_base_freq', 10_000, wanted, isPositive);
  return {
    ropeTheta: scaled.number('rope_theta', own.number('rope_theta', theta, wanted, isPositive), wanted, isPositive),
    ropeScaling: readScaling(scaled, undefined, maxPositions, what),
    localRopeTheta: local.number('rope_theta', localTheta, wanted, isPositive),
    localRopeScaling: readScaling(local, undefined, maxPositions, what),
  };
}

/** The opposite of {@link readLayeredRope}. */
export function writeLayeredRope(config: LayeredRopeFields, newForm: boolean): Record<string, unknown> {
  const { localRopeTheta, localRopeScaling } = config;
  if (!newForm && localRopeScaling === null)
    return { ...writeRope(config, false), rope_local_base_freq: localRopeTheta };
  const [own, local] = [config, { ropeTheta: localRopeTheta, ropeScaling: localRopeScaling }].map(
    (one) => writeRope(one, true).rope_parameters,
  );
  return { rope_parameters: { full_attention: own, sliding_attention: local } };
}

/** The opposite of {@link readRope}. */
export function writeRope({ ropeTheta, ropeScaling }: RopeFields, newForm: boolean): Record<string, unknown> {
  const scaling: Record<string, unknown> = { rope_type: ropeScaling?.type ?? 'default' };
  for (const [name, ours] of Object.entries({ ...names, ...lists })) {
    const value = ropeScaling?.[ours];
    if (value !== undefined) scaling[name] = value;
  }
  if (ropeScaling?.truncate !== undefined) scaling.truncate = ropeScaling.truncate;
  if (newForm) return { rope_parameters: { rope_theta: ropeTheta, ...scaling } };
  return { rope_theta: ropeTheta, rope_scaling: scaling.rope_type === 'default' ? null : scaling };
}
