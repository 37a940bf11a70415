import { readFileSync } from 'node:fs';
import path from 'node:path';
import { chrf, createTextSimilarity, pearsonCorrelation } from '@tesserae/trainer';
import { dataFolder } from '../data-folder';

/** How far two measures agree with people about the meaning of pairs of texts. */
export interface Agreement {
  readonly set: string;
  readonly pairs: number;
  /** Pearson's r of `createTextSimilarity` and of chrF with the mean ratings. */
  readonly similarity: number;
  readonly chrf: number;
}

/** The pairs of SemEval 2016 that people rated from 0 to 5. */
export function measureAgreement(): Agreement[] {
  return ['answer-answer', 'postediting', 'question-question'].map((set) => {
    const file = path.join(dataFolder(), 'paraphrase', `sts2016_${set}.tsv`);
    const lines = readFileSync(file, 'utf8').split(/\r?\n/).slice(1);
    const pairs = lines.filter((line) => line !== '').map((line) => line.split('\t'));
    const ratings = pairs.map(([rating]) => Number(rating));
    const similarity = createTextSimilarity(pairs.flatMap(([, first, second]) => [first, second]));
    return {
      set,
      pairs: pairs.length,
      similarity: pearsonCorrelation(
        pairs.map(([, first, second]) => similarity(first, second)),
        ratings,
      ),
      chrf: pearsonCorrelation(
        pairs.map(([, first, second]) => chrf([first], [second])),
        ratings,
      ),
    };
  });
}
