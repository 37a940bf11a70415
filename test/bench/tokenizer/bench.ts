import { createRequire } from 'node:module';
import path from 'node:path';
import { loadTokenizer, trainByteLevelBpe, trainUnigram, trainWordPiece } from '@tesserae/tokenizer';
import type { Tokenizer, TokenizerJson } from '@tesserae/tokenizer';
import { readTextFile } from '@tesserae/trainer';
import { median } from '../bench';
import type { Bench, Row } from '../bench';

const vocabSize = 4096;
/** One megabyte, as memory is sold. */
const megabyte = 1e6;

/** The library that runs any tokenizer.json; it does not train. */
type Library = { Tokenizer: new (json: TokenizerJson, config: object) => { encode(text: string): { ids: number[] } } };

interface Timed<T> {
  seconds: number;
  value: T;
}

function time<T>(run: () => T): Timed<T> {
  const start = performance.now();
  const value = run();
  return { seconds: (performance.now() - start) / 1000, value };
}

const kinds: Readonly<Record<string, (text: string) => Tokenizer>> = {
  'byte-level BPE': (text) => trainByteLevelBpe(text, { vocabSize }),
  WordPiece: (text) => trainWordPiece(text, { vocabSize }),
  Unigram: (text) => trainUnigram(text, { vocabSize, normalization: 'none' }), // the peer has no Nmt
};

/** One kind of tokenizer, trained once, encoding with new tokenizers of the same file, ours and theirs in turns. */
function measure(kind: string, text: string, rounds: number, { Tokenizer }: Library): Row {
  const trained = time(() => kinds[kind](text));
  const json = trained.value.toJSON();
  const seconds = { ours: [] as number[], theirs: [] as number[] };
  let [tokens, different] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const [mine, theirs] = [loadTokenizer(json), new Tokenizer(json, {})];
    const own = time(() => mine.encode(text));
    const other = time(() => theirs.encode(text).ids);
    seconds.ours.push(own.seconds);
    seconds.theirs.push(other.seconds);
    tokens = own.value.length;
    different = Math.abs(tokens - other.value.length);
    for (let i = 0; i < tokens; i++) if (own.value[i] !== other.value[i]) different++;
  }
  if (different > 0) throw new Error(`${kind}: the two tokenizers differ in ${different} ids of ${tokens}`);
  const [ours, theirs] = [median(seconds.ours), median(seconds.theirs)];
  return {
    peer: `@huggingface/tokenizers, ${kind}`,
    ratio: theirs / ours,
    encodeMegabytesPerSecond: text.length / megabyte / ours,
    peerMegabytesPerSecond: text.length / megabyte / theirs,
    trainingSeconds: trained.seconds,
    vocabSize,
    tokens,
  };
}

/**
 * Training byte-level BPE, WordPiece and Unigram on 1 MB of text, and encoding that text, ours and
 * `@huggingface/tokenizers` with the same vocabulary. Every round begins with new tokenizers, whose caches are empty.
 */
export const tokenizer: Bench = async ({ rounds, say }) => {
  const data = process.env.TESSERAE_TEST_DATA ?? path.join('..', 'shared', 'data');
  const text = (await readTextFile(path.join(data, 'text', 'tinyshakespeare.txt'))).slice(0, megabyte); // ASCII
  const library = createRequire(path.join(process.cwd(), 'package.json'))('@huggingface/tokenizers') as Library;
  const rows = Object.keys(kinds).map((kind) => {
    const row = measure(kind, text, rounds, library);
    say(`${kind}, ${rounds} rounds`);
    return row;
  });
  return { rows, absent: [], notes: ['both give the same ids, in each row; @huggingface/tokenizers does not train'] };
};
