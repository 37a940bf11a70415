import { createRequire } from 'node:module';
import path from 'node:path';
import { loadTokenizer, trainByteLevelBpe } from '@tesserae/tokenizer';
import type { TokenizerJson } from '@tesserae/tokenizer';
import { readTextFile } from '@tesserae/trainer';
import { median } from '../bench';
import type { Bench } from '../bench';

const vocabSize = 4096;
/** One megabyte, as memory is sold. */
const megabyte = 1e6;

/** The library that runs any tokenizer.json; it does not train. */
type Library = { Tokenizer: new (json: TokenizerJson, config: object) => { encode(text: string): { ids: number[] } } };

/**
 * Training byte-level BPE on 1 MB of text, and encoding that text, ours and `@huggingface/tokenizers` with the same
 * vocabulary. Every round begins with new tokenizers, whose caches are empty.
 */
export const tokenizer: Bench = async ({ rounds, say }) => {
  const data = process.env.TESSERAE_TEST_DATA ?? path.join('..', 'shared', 'data');
  const text = (await readTextFile(path.join(data, 'text', 'tinyshakespeare.txt'))).slice(0, megabyte); // ASCII
  const time = <T>(run: () => T): { seconds: number; value: T } => {
    const start = performance.now();
    const value = run();
    return { seconds: (performance.now() - start) / 1000, value };
  };
  const { Tokenizer } = createRequire(path.join(process.cwd(), 'package.json'))('@huggingface/tokenizers') as Library;
  const seconds = { training: [] as number[], ours: [] as number[], theirs: [] as number[] };
  let same = true;
  let tokens = 0;
  for (let round = 0; round < rounds; round++) {
    const trained = time(() => trainByteLevelBpe(text, { vocabSize }));
    const json = trained.value.toJSON();
    const mine = loadTokenizer(json);
    const theirs = new Tokenizer(json, {});
    const own = time(() => mine.encode(text));
    const other = time(() => theirs.encode(text).ids);
    seconds.training.push(trained.seconds);
    seconds.ours.push(own.seconds);
    seconds.theirs.push(other.seconds);
    tokens = own.value.length;
    same &&= tokens === other.value.length && own.value.every((id, i) => id === other.value[i]);
    say(`round ${round + 1} of ${rounds}`);
  }
  if (!same) throw new Error('the two tokenizers do not give the same ids');
  const [ours, theirs] = [median(seconds.ours), median(seconds.theirs)];
  return {
    rows: [
      {
        peer: '@huggingface/tokenizers',
        ratio: theirs / ours,
        encodeMegabytesPerSecond: text.length / megabyte / ours,
        peerMegabytesPerSecond: text.length / megabyte / theirs,
        trainingSeconds: median(seconds.training),
        vocabSize,
        tokens,
      },
    ],
    absent: [],
    notes: [`both tokenizers give the same ${tokens.toLocaleString('en')} ids; @huggingface/tokenizers does not train`],
  };
};
