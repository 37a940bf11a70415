import path from 'node:path';

/** The model of the generation bench: a Llama shape of 110 M parameters, output embedding tied. */
export const shape = {
  vocabSize: 32000,
  hiddenSize: 768,
  intermediateSize: 2048,
  numHiddenLayers: 12,
  numAttentionHeads: 12,
  maxPositionEmbeddings: 1024,
  tieWordEmbeddings: true,
} as const;

/** Of the weights: every engine gets the same. */
export const seed = 1;

export const promptTokens = Number(process.env.TESSERAE_BENCH_PROMPT ?? 512);
/** Steps of decoding that are timed; the token that the prompt itself gives comes before them. */
export const newTokens = Number(process.env.TESSERAE_BENCH_NEW ?? 128);
export const threads = 2;

export const prompt = (): number[] => Array.from({ length: promptTokens }, (_, at) => 300 + ((at * 37) % 31000));

/** Where the weights are written in the forms that others read. */
export const folder = path.join(process.cwd(), 'out', 'bench', 'generate');
/** Where `npm run setup:bench-peers` installs a peer's package. */
export const installed = (peer: 'llama' | 'transformers', name: string): string =>
  path.join(process.cwd(), 'out', 'peers', peer, 'node_modules', name);
