import { describeValue } from '@tesserae/registry';
import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { asPart, booleanSetting, DEEPEST_NESTING, listSetting, tooDeep } from '../patterns/read-part';
import { jsonError } from '../tokenizer-json/check';

/** A part of what is put together: one of the texts, or special tokens. */
export type TemplatePart =
  | { readonly sequence: 0 | 1; readonly typeId: number }
  | { readonly ids: readonly number[]; readonly tokens: readonly string[]; readonly typeId: number };

/** How texts become the input of a model. */
export interface PostProcessor {
  /** For one text, and for two. */
  readonly single: readonly TemplatePart[];
  readonly pair: readonly TemplatePart[];
  /** Trim the white space off the offsets of byte-level tokens. */
  readonly trimOffsets: readonly { readonly addPrefixSpace: boolean }[];
}

const PLAIN: PostProcessor = {
  single: [{ sequence: 0, typeId: 0 }],
  pair: [
    { sequence: 0, typeId: 0 },
    { sequence: 1, typeId: 1 },
  ],
  trimOffsets: [],
};

/** Makes the post-processor that a file describes. */
export function createPostProcessor(json: TokenizerPartJson | null | undefined, depth = 0): PostProcessor {
  if (!json) return PLAIN;
  if (depth > DEEPEST_NESTING) throw tooDeep('post_processor');
  switch (json.type) {
    case 'Sequence':
      return sequence(
        listSetting(json, 'processors').map((part) => createPostProcessor(asPart(part, 'post_processor'), depth + 1)),
      );
    case 'ByteLevel':
      return { ...PLAIN, trimOffsets: trimming(json) };
    case 'BertProcessing':
      return surrounded(json, [0, 1], 1);
    case 'RobertaProcessing':
      return { ...surrounded(json, [0, 0], 2), trimOffsets: trimming(json) };
    case 'TemplateProcessing':
      return template(json);
    default:
      throw jsonError(`not one that can be run (there is no post-processor ${JSON.stringify(json.type)})`);
  }
}

function trimming(json: TokenizerPartJson): PostProcessor['trimOffsets'] {
  const addPrefixSpace = booleanSetting(json, 'add_prefix_space', true);
  return booleanSetting(json, 'trim_offsets', true) ? [{ addPrefixSpace }] : [];
}

function sequence(steps: readonly PostProcessor[]): PostProcessor {
  const templates = steps.filter((step) => step.single !== PLAIN.single);
  if (templates.length > 1) throw jsonError('not one that can be run (a post-processor with two templates)');
  return { ...(templates[0] ?? PLAIN), trimOffsets: steps.flatMap((step) => step.trimOffsets) };
}

function isId(id: unknown): id is number {
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 1 << 24;
}

/** `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, or with two separators between. */
function surrounded(json: TokenizerPartJson, typeIds: readonly [number, number], separators: 1 | 2): PostProcessor {
  const token = (name: string, typeId: number): TemplatePart => {
    const value = json[name];
    if (!Array.isArray(value) || typeof value[0] !== 'string' || !isId(value[1]))
      throw jsonError(`${json.type}.${name} is ${describeValue(value)}, expected [token, id]`);
    return { ids: [value[1]], tokens: [value[0]], typeId };
  };
  const single: TemplatePart[] = [token('cls', 0), { sequence: 0, typeId: 0 }, token('sep', 0)];
  const between = separators === 2 ? [token('sep', typeIds[1])] : [];
  const pair = [...single, ...between, { sequence: 1 as const, typeId: typeIds[1] }, token('sep', typeIds[1])];
  return { single, pair, trimOffsets: [] };
}

function template(json: TokenizerPartJson): PostProcessor {
  const special = (json.special_tokens ?? {}) as Record<string, { ids?: unknown; tokens?: unknown }>;
  const read = (name: string): TemplatePart[] =>
    listSetting(json, name).map((value) => {
      const part = value as Record<'SpecialToken' | 'Sequence', { id?: unknown; type_id?: unknown } | undefined> | null;
      const typeId = part?.SpecialToken?.type_id ?? part?.Sequence?.type_id ?? 0;
      if (!isId(typeId)) throw jsonError(`TemplateProcessing.${name} has the type id ${describeValue(typeId)}`);
      const id = part?.Sequence?.id;
      if (id === 'A' || id === 'B') return { sequence: id === 'A' ? 0 : 1, typeId };
      const named = part?.SpecialToken?.id;
      if (typeof named !== 'string' || !Object.hasOwn(special, named))
        throw jsonError(`TemplateProcessing.${name} names ${describeValue(named)}, which special_tokens lacks`);
      const { ids, tokens } = special[named] ?? {};
      if (!Array.isArray(ids) || !Array.isArray(tokens) || ids.length !== tokens.length || !ids.every(isId))
        throw jsonError(`TemplateProcessing.special_tokens[${describeValue(named)}] needs as many ids as tokens`);
      return { ids: ids as number[], tokens: tokens.map(String), typeId };
    });
  return { single: read('single'), pair: json.pair === undefined ? [] : read('pair'), trimOffsets: [] };
}

/** How many special tokens a template adds. */
export function addedBy(parts: readonly TemplatePart[]): number {
  return parts.reduce((sum, part) => sum + ('ids' in part ? part.ids.length : 0), 0);
}
