import { parseStrictJson } from '@tesserae/core';
import type { EmbeddingOptions, Pooling } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

type Files = Readonly<Record<string, Uint8Array>>;
type Json = Readonly<Record<string, unknown>>;

const MODULES = 'modules.json';
const SENTENCE = 'sentence_bert_config.json';
const POOLING_FOLDER = '1_Pooling';
const POOLING = `${POOLING_FOLDER}/config.json`;

/** Flags of 1_Pooling/config.json, in the order in which sentence-transformers puts the vectors side by side. */
const flags: readonly (readonly [flag: string, mode: string, pooling: Pooling])[] = [
  ['pooling_mode_cls_token', 'cls', 'cls'],
  ['pooling_mode_max_tokens', 'max', 'max'],
  ['pooling_mode_mean_tokens', 'mean', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens', 'meanSqrtLength'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean', 'weightedMean'],
  ['pooling_mode_lasttoken', 'lasttoken', 'last'],
];
/** Modules that can be done here, by the last part of their type; dropout does nothing outside training. */
const known = ['Transformer', 'Pooling', 'Normalize', 'Dropout'];

function refuse(message: string, fix: string): never {
  throw tesseraeError({ package: 'hub', code: 'E_SENTENCE_CONFIG', message, fix });
}

function parse(files: Files, name: string): unknown {
  if (!Object.hasOwn(files, name)) refuse(`${MODULES} asks for ${name}, which is not there`, 'add the file');
  return parseStrictJson(files[name], { what: name });
}

function parseObject(files: Files, name: string): Json {
  const value = parse(files, name);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  return refuse(`${name} holds no object`, 'correct or remove the file');
}

/** The modules in their order: the last part of the type, and the folder. */
function readModules(files: Files): { type: string; path: string }[] {
  const list = parse(files, MODULES);
  if (!Array.isArray(list)) refuse(`${MODULES} holds no list`, 'correct or remove the file');
  const modules = (list as unknown[]).map((entry, i) => {
    const { type, path } = (entry ?? {}) as { type?: unknown; path?: unknown };
    if (typeof type === 'string' && typeof path === 'string') return { type: type.split('.').at(-1)!, path };
    return refuse(`${MODULES}: entry ${i} lacks its type or path`, 'correct or remove the file');
  });
  const foreign = modules.filter(({ type }) => !known.includes(type)).map(({ type }) => type);
  if (foreign.length > 0) {
    refuse(
      `${MODULES} asks for ${foreign.join(', ')}; done here are ${known.join(', ')}`,
      `remove ${MODULES} to load the model without its vectors of texts`,
    );
  }
  return modules;
}

/** Poolings by flags; the mean is on unless it is said to be off. Nothing for what is not known. */
function byFlags(json: Json): (Pooling | undefined)[] {
  const unknown = Object.entries(json).filter(
    ([field, value]) => field.startsWith('pooling_mode_') && value !== false && !flags.some(([flag]) => flag === field),
  );
  const asked = flags.flatMap(([flag, , pooling]) => {
    const value = Object.hasOwn(json, flag) ? json[flag] : pooling === 'mean';
    return value === false ? [] : [value === true ? pooling : undefined];
  });
  return [...asked, ...unknown.map(() => undefined)];
}

/** The poolings that a 1_Pooling/config.json asks for: by flags, or by name in newer files. */
function readPooling(json: Json): Pooling | readonly Pooling[] {
  const named = json.pooling_mode ?? undefined;
  const names: readonly unknown[] = Array.isArray(named) ? named : [named];
  const asked = named === undefined ? byFlags(json) : names.map((name) => flags.find(([, mode]) => mode === name)?.[2]);
  const poolings = asked.filter((pooling) => pooling !== undefined);
  if (poolings.length < asked.length || poolings.length === 0) {
    const fields = Object.entries(json).filter(([field, value]) => field.startsWith('pooling_mode') && value !== false);
    refuse(
      `${POOLING} asks for ${JSON.stringify(Object.fromEntries(fields))}`,
      `use ${flags.map(([, mode]) => mode).join(', ')}`,
    );
  }
  return poolings.length === 1 ? poolings[0] : poolings;
}

function readMaxTokens(files: Files): number | undefined {
  if (!Object.hasOwn(files, SENTENCE)) return undefined;
  const length = parseObject(files, SENTENCE).max_seq_length ?? undefined;
  if (length === undefined || (Number.isInteger(length) && (length as number) >= 2))
    return length as number | undefined;
  return refuse(`${SENTENCE}: max_seq_length is ${JSON.stringify(length)}`, 'give a whole number from 2 up');
}

/**
 * How a folder of sentence-transformers makes its vectors: `modules.json`, `1_Pooling/config.json`, and of
 * `sentence_bert_config.json` the length.
 *
 * @param files the files beside config.json, by name
 * @returns the options, to be used as a model's `embedding`; nothing where there is no modules.json, or it does not pool
 * @throws E_JSON, E_SENTENCE_CONFIG when a file is broken or asks for what cannot be done here
 * @see `SentenceTransformer`, `models.Pooling` of sentence-transformers
 */
export function readSentenceConfig(files: Files): EmbeddingOptions | undefined {
  if (!Object.hasOwn(files, MODULES)) return undefined;
  const modules = readModules(files);
  const pooling = modules.find(({ type }) => type === 'Pooling');
  if (!pooling) return undefined;
  if (pooling.path !== POOLING_FOLDER)
    refuse(`${MODULES}: the folder of the pooling is ${JSON.stringify(pooling.path)}`, `call it ${POOLING_FOLDER}`);
  const maxTokens = readMaxTokens(files);
  return {
    pooling: readPooling(parseObject(files, POOLING)),
    normalize: modules.some(({ type }) => type === 'Normalize'),
    ...(maxTokens !== undefined && { maxTokens }),
  };
}

/**
 * The files of sentence-transformers for a model's own options, where they are not those that its folder gave.
 *
 * @param options the model's own options; pooling `mean` and vectors of length 1 where they say nothing
 * @param files the files that the model came with
 * @param width features of a hidden state
 * @returns the objects for the files, by name; nothing where the files say it already
 */
export function changedSentenceConfig(
  options: EmbeddingOptions | undefined,
  files: Files,
  width: number,
): Record<string, unknown> {
  if (!options || JSON.stringify(options) === JSON.stringify(readSentenceConfig(files))) return {};
  const { pooling = 'mean', normalize = true, maxTokens } = options;
  const asked: readonly Pooling[] = typeof pooling === 'string' ? [pooling] : pooling;
  const types = [
    ['Transformer', ''],
    ['Pooling', POOLING_FOLDER],
    ...(normalize ? [['Normalize', '2_Normalize']] : []),
  ];
  const before = Object.hasOwn(files, SENTENCE) ? parseObject(files, SENTENCE) : {};
  return {
    [MODULES]: types.map(([type, path], idx) => ({
      idx,
      name: `${idx}`,
      path,
      type: `sentence_transformers.models.${type}`,
    })),
    [POOLING]: {
      word_embedding_dimension: width,
      ...Object.fromEntries(flags.map(([flag, , mode]) => [flag, asked.includes(mode)])),
    },
    ...(maxTokens !== before.max_seq_length && {
      [SENTENCE]: { do_lower_case: false, ...before, max_seq_length: maxTokens },
    }),
  };
}
