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

function readScaling(rope: Fields, fields: Fields, maxPositions: number, what: string): RopeScaling | null {
  const type = rope.choice(rope.has('rope_type') ? 'rope_type' : 'type', 'default', types);
  if (type === 'default') return null;
  const scaling: Record<string, number | boolean | number[]> = {};
  for (const name of used[type]) {
    if (rope.has(name)) scaling[names[name]] = rope.number(name, 0, 'a number above 0', (x) => x > 0);
  }
  if (type === 'llama3' || type === 'yarn' || type === 'longrope') {
    // a field of the same name outside wins, as in transformers
    const original = fields.optionalCount('original_max_position_embeddings');
    scaling.originalMaxPositionEmbeddings = original ?? scaling.originalMaxPositionEmbeddings ?? maxPositions;
  }
  if (type === 'yarn' || type === 'longrope') {
    scaling.factor ??= maxPositions / (scaling.originalMaxPositionEmbeddings as number);
    if (type === 'yarn' && rope.has('truncate')) scaling.truncate = rope.boolean('truncate', true);
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

/** Reads `rope_theta` and `rope_scaling` (transformers 4) or `rope_parameters` (5). */
export function readRope(fields: Fields, maxPositions: number, what: string): RopeFields {
  const name = fields.has('rope_scaling') ? 'rope_scaling' : 'rope_parameters';
  const value = fields.raw(name) ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw fieldError(what, name, value, 'an object or null');
  const rope = readFields(value as ConfigJson, `${what}: ${name}`);
  for (const layerType of ['full_attention', 'sliding_attention']) {
    if (rope.has(layerType))
      throw unsupported(what, name, value, 'rotary embeddings that differ by layer are not read');
  }
  for (const place of [rope, fields]) {
    place.only('partial_rotary_factor', [1], 'rotary embeddings of a part of the head are not read');
  }
  const wanted = 'a number above 0';
  const outer = fields.number('rope_theta', 10000, wanted, (x) => x > 0);
  return {
    ropeTheta: rope.number('rope_theta', outer, wanted, (x) => x > 0),
    ropeScaling: readScaling(rope, fields, maxPositions, what),
  };
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
