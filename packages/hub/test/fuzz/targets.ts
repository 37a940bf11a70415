import '@tensorflow/tfjs-backend-cpu';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import {
  createModel,
  disposeAdapter,
  disposeModel,
  gpt2,
  llama,
  openCheckpoint,
  readSafetensors,
  safetensorsBytes,
} from '@tesserae/core';
import type { Model, SafetensorsInput } from '@tesserae/core';
import { loadAdapter, loadLlama2c, loadPretrained, saveLlama2c, savePretrained } from '@tesserae/hub';
import { isTesseraeError } from '@tesserae/registry';
import { trainByteLevelBpe, trainCharacterTokenizer } from '@tesserae/tokenizer';
import { mutateBytes, mutateJson, randomFrom } from './mutate';
import type { Random } from './mutate';

/** What became of one file: `loaded`, the code of its error, or what should never be. */
export type Outcome = 'loaded' | `E_${string}` | `uncoded: ${string}` | `broken: ${string}`;

/** A kind of file: makes the one of a seed and reads it. */
export type Target = (random: Random) => Promise<void>;

const golden = path.resolve(__dirname, '../../../../test/golden');

const every: SafetensorsInput[] = [
  { name: 'f64', dtype: 'F64', shape: [2], data: new Float64Array([1.1, -2e300]) },
  { name: 'f32', dtype: 'F32', shape: [2, 1], data: new Float32Array([1.5, -2]) },
  { name: 'f16', dtype: 'F16', shape: [3], data: new Float32Array([1.5, -2, 65504]) },
  { name: 'bf16', dtype: 'BF16', shape: [1, 3], data: new Float32Array([1.5, -2, 2 ** 100]) },
  { name: 'i64', dtype: 'I64', shape: [2], data: new BigInt64Array([-1n, 2n ** 62n]) },
  { name: 'i8', dtype: 'I8', shape: [3], data: new Int8Array([-1, 0, 1]) },
  { name: 'u8', dtype: 'U8', shape: [1], data: new Uint8Array([255]) },
  { name: 'empty', dtype: 'F32', shape: [0, 3], data: new Float32Array(0) },
];

/** A header that says something else, with its length set right, and the data behind it. */
function withHeader(bytes: Buffer, random: Random): Uint8Array {
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const header = Buffer.from(mutateJson(bytes.toString('utf8', 8, end), random));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, bytes.subarray(end)]);
}

async function safetensorsTarget(): Promise<Target> {
  const bytes = Buffer.from(await safetensorsBytes(every, { format: 'pt' }));
  return async (random) => {
    await readSafetensors(random() < 0.6 ? withHeader(bytes, random) : mutateBytes(bytes, random));
  };
}

const mutated = (text: string, random: Random): Uint8Array =>
  random() < 0.85 ? Buffer.from(mutateJson(text, random)) : mutateBytes(Buffer.from(text), random);

/** Loads and lets go; what is left behind, also after an error, is a leak. */
async function load(from: () => Promise<Model>, use: (model: Model) => void = () => undefined): Promise<void> {
  const before = tf.memory().numTensors;
  const failure = await from()
    .then((model) => {
      try {
        use(model);
      } finally {
        disposeModel(model);
      }
    })
    .catch((error: unknown) => error);
  const left = tf.memory().numTensors - before;
  if (left !== 0) throw new Error(`${left} tensors left`);
  if (failure !== undefined) throw failure;
}

/** config.json of every family that there are reference values for, beside its weights. */
function configTarget(work: string): Target {
  const folders = readdirSync(golden).filter((name) => existsSync(path.join(golden, name, 'model.safetensors')));
  const configs = folders.flatMap((name) => {
    mkdirSync(path.join(work, name), { recursive: true });
    copyFileSync(path.join(golden, name, 'model.safetensors'), path.join(work, name, 'model.safetensors'));
    return ['config.json', 'config.v5.json']
      .map((file) => path.join(golden, name, file))
      .filter((file) => existsSync(file))
      .map((file) => ({ folder: path.join(work, name), text: readFileSync(file, 'utf8') }));
  });
  return async (random) => {
    const { folder, text } = configs[Math.floor(random() * configs.length)]!;
    writeFileSync(path.join(folder, 'config.json'), mutated(text, random));
    await load(() => loadPretrained(folder));
  };
}

/** The kinds of tokenizer.json, each as small as it can be. */
function tokenizers(): string[] {
  const vocab = ['[UNK]', '[CLS]', '[SEP]', 'a', 'b', '##a', '##b', 'ab', '▁', '▁a'];
  const ids = Object.fromEntries(vocab.map((token, id) => [token, id]));
  const special = [
    { id: 0, content: '[UNK]', special: true, normalized: false, single_word: false, lstrip: false, rstrip: false },
  ];
  const wordPiece = {
    added_tokens: special,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', sep: ['[SEP]', 2], cls: ['[CLS]', 1] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: ids,
    },
  };
  const unigram = {
    added_tokens: special,
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFKC' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
    },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: null,
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    model: { type: 'Unigram', unk_id: 0, byte_fallback: false, vocab: vocab.map((token, id) => [token, -id]) },
  };
  const bpe = {
    added_tokens: special,
    normalizer: { type: 'Prepend', prepend: '▁' },
    pre_tokenizer: { type: 'Split', pattern: { Regex: '\\s+|\\w+' }, behavior: 'Isolated', invert: false },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }],
    },
    model: { type: 'BPE', unk_token: '[UNK]', byte_fallback: true, vocab: ids, merges: [['▁', 'a'], 'a b'] },
  };
  const ours = [trainByteLevelBpe('a rose is a rose', { vocabSize: 262 }), trainCharacterTokenizer('a rose is a rose')];
  return [wordPiece, unigram, bpe, ...ours.map((tokenizer) => tokenizer.toJSON())].map((json) => JSON.stringify(json));
}

const sizes = { vocabSize: 13, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 8 };

async function tokenizerTarget(work: string): Promise<Target> {
  const folder = path.join(work, 'tokenizer');
  const model = createModel(gpt2, sizes);
  await savePretrained(model, folder);
  disposeModel(model);
  const texts = tokenizers();
  return async (random) => {
    writeFileSync(path.join(folder, 'tokenizer.json'), mutated(texts[Math.floor(random() * texts.length)]!, random));
    await load(
      () => loadPretrained(folder),
      ({ tokenizer }) => void tokenizer!.decode(tokenizer!.encode('a rose [UNK] ab  ba')),
    );
  };
}

async function indexTarget(work: string): Promise<Target> {
  const folder = path.join(work, 'index');
  const model = createModel(gpt2, sizes);
  await savePretrained(model, folder, { maxShardBytes: 400 });
  disposeModel(model);
  const index = path.join(folder, 'model.safetensors.index.json');
  const text = readFileSync(index, 'utf8');
  return async (random) => {
    writeFileSync(index, mutated(text, random));
    await (await openCheckpoint(folder)).close();
  };
}

async function llama2cTarget(work: string): Promise<Target> {
  const file = path.join(work, 'model.bin');
  const model = createModel(llama, { ...sizes, intermediateSize: 8, rmsNormEpsilon: 1e-5 });
  await saveLlama2c(model, file, { version: 1 });
  const one = readFileSync(file);
  await saveLlama2c(model, file);
  const zero = readFileSync(file);
  disposeModel(model);
  return async (random) => {
    writeFileSync(file, mutateBytes(random() < 0.5 ? zero : one, random));
    await load(() => loadLlama2c(file, { tokenizer: null }) as unknown as Promise<Model>);
  };
}

/** Config and weights of every adapter that there are reference values for, around its base. */
async function adapterTarget(work: string): Promise<Target> {
  const peft = path.join(golden, 'peft');
  const bases = new Map<string, Model>();
  const adapters: { base: Model; folder: string; text: string; weights: Buffer }[] = [];
  for (const name of readdirSync(peft)) {
    if (name.startsWith('base-') || !existsSync(path.join(peft, name, 'adapter_config.json'))) continue;
    const of = `base-${name.split('-', 1)[0]}`;
    const base = bases.get(of) ?? (await loadPretrained(path.join(peft, of)));
    bases.set(of, base);
    const folder = path.join(work, name);
    mkdirSync(folder, { recursive: true });
    const [text, weights] = ['adapter_config.json', 'adapter_model.safetensors'].map((file) =>
      readFileSync(path.join(peft, name, file)),
    );
    adapters.push({ base, folder, text: text.toString('utf8'), weights });
  }
  return async (random) => {
    const { base, folder, text, weights } = adapters[Math.floor(random() * adapters.length)]!;
    const half = random() < 0.6;
    writeFileSync(path.join(folder, 'adapter_config.json'), half ? mutated(text, random) : text);
    writeFileSync(path.join(folder, 'adapter_model.safetensors'), half ? weights : withHeader(weights, random));
    const before = tf.memory().numTensors;
    const loading = loadAdapter(base, folder).then(disposeAdapter);
    await loading.catch(() => undefined);
    const left = tf.memory().numTensors - before;
    if (left !== 0) throw new Error(`${left} tensors left`);
    await loading;
  };
}

/** All kinds of files, by name; `work` is a folder for them. */
export async function openTargets(work: string): Promise<Record<string, Target>> {
  await tf.setBackend('cpu');
  return {
    safetensors: await safetensorsTarget(),
    config: configTarget(work),
    tokenizer: await tokenizerTarget(work),
    index: await indexTarget(work),
    llama2c: await llama2cTarget(work),
    adapter: await adapterTarget(work),
  };
}

/** Reads the file that a seed makes. */
export async function tryFile(target: Target, seed: number): Promise<Outcome> {
  try {
    await target(randomFrom(seed));
    const { polluted } = {} as { polluted?: unknown };
    return polluted === undefined && Object.keys(Object.prototype).length === 0
      ? 'loaded'
      : 'broken: a prototype was changed';
  } catch (error) {
    if (isTesseraeError(error)) return error.code as Outcome;
    return `uncoded: ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 6).join(' ') : String(error)}`;
  }
}
