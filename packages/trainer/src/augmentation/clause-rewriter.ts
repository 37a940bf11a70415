import type { Augmenter } from './augmenter';
import { clauseOf } from './clause';
import type { Clause } from './clause';
import type { Piece } from './pieces';
import { rewriter } from './rewriter';
import type { RewriteOptions, Sentence } from './rewriter';

/** Rewrites one sentence of a text that is nothing but who, does, what; refused where the rule is not sure. */
export const clauseRewriter = (
  name: string,
  options: RewriteOptions,
  rule: (clause: Clause, sentence: Sentence) => readonly Piece[] | undefined,
): Augmenter =>
  rewriter(name, options, (sentence) => {
    const clause = clauseOf(sentence);
    return clause === undefined ? undefined : rule(clause, sentence);
  });
