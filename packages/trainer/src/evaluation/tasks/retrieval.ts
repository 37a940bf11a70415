import { embedTexts } from '@tesserae/core';
import type { Model, Pooling } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, required, rules } from '../../options';
import type { OptionRule } from '../../options';
import { evaluationAborted } from '../aborted';
import { badData, checkList } from '../evaluation-errors';
import { encodeWhole } from '../forward/encode-texts';
import type { TextOrIds } from '../forward/encode-texts';
import { ndcgAtK, recallAtK, reciprocalRank } from '../metrics/index';
import type { EvaluationContext, EvaluationTask } from '../task';

/** Options of {@link retrieval}. */
export interface RetrievalOptions {
  /** What is looked for, each with the places of the documents that are right. */
  readonly queries: readonly { readonly text: TextOrIds; readonly relevant: readonly number[] }[];
  /** What is searched. */
  readonly documents: readonly TextOrIds[];
  /** How far down the ranking one looks: 10. */
  readonly k?: number;
  /** How the vectors of a text's tokens become one; as the model says, or `mean`. */
  readonly pooling?: Pooling;
}

/** One query, as the model sees it. */
export interface RetrievalSample {
  /** Places of the documents, the most similar first, as many as `k`. */
  readonly ranking: readonly number[];
  readonly recall: number;
  readonly reciprocalRank: number;
  readonly ndcg: number;
}

/**
 * Documents that a model finds for queries by the similarity of sentence embeddings.
 *
 * Embeddings are those of `embedTexts`, made as long as 1: documents are ranked by the cosine to the query.
 *
 * @param options queries with their relevant documents, documents, k and pooling
 * @returns the task: `recall`, `meanReciprocalRank`, `ndcg`, all at k
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be, E_EVALUATION_DATA for data that cannot be
 *
 * Reimers and Gurevych: "Sentence-BERT" (2019), section 3, for pooling.
 *
 * @example
 * ```ts
 * import { retrieval } from '@tesserae/trainer';
 * const task = retrieval({ documents: ['a red ball', 'a dog'], queries: [{ text: 'ball', relevant: [0] }], k: 1 });
 * console.log(task.name); // → retrieval
 * ```
 */
export const retrieval: Plugin<
  'evaluation',
  'retrieval',
  (options: RetrievalOptions) => EvaluationTask<RetrievalSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'retrieval',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Documents that a model finds for queries by sentence embeddings',
  create: createRetrieval,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:retrieval': typeof retrieval;
  }
}

const anything: OptionRule = { expected: 'a list', test: () => true };

function createRetrieval(options: RetrievalOptions): EvaluationTask<RetrievalSample> {
  checkOptions<RetrievalOptions>('retrieval', options, {
    queries: required(anything),
    documents: required(anything),
    k: rules.positiveInteger,
    pooling: oneOf('mean', 'cls', 'max', 'last', 'meanSqrtLength', 'weightedMean'),
  });
  const { queries, documents, k = 10, pooling } = options;
  checkList('retrieval', 'queries', queries);
  checkList('retrieval', 'documents', documents);
  queries.forEach(({ relevant }, i) => {
    const right = Array.isArray(relevant) && relevant.length > 0;
    if (right && relevant.every((place) => Number.isInteger(place) && documents[place] !== undefined)) return;
    throw badData(
      'retrieval',
      `query ${i} names no document that is there`,
      `give places from 0 to ${documents.length - 1}`,
    );
  });
  return {
    name: 'retrieval',
    async run(model, context) {
      context.begin(queries.length + documents.length, 'text');
      const texts = [...queries.map(({ text }) => text), ...documents];
      const vectors = await embed(model, texts, pooling, context);
      const found = vectors.slice(queries.length);
      const samples = queries.map(({ relevant }, i) => {
        const ranking = rank(vectors[i], found);
        return {
          ranking: ranking.slice(0, k),
          recall: recallAtK(ranking, relevant, k),
          reciprocalRank: reciprocalRank(ranking, relevant, k),
          ndcg: ndcgAtK(ranking, relevant, k),
        };
      });
      const mean = (of: 'recall' | 'reciprocalRank' | 'ndcg') => (some: readonly RetrievalSample[]) =>
        some.reduce((sum, sample) => sum + sample[of], 0) / some.length;
      return {
        samples,
        counts: { documents: documents.length },
        metrics: { recall: mean('recall'), meanReciprocalRank: mean('reciprocalRank'), ndcg: mean('ndcg') },
      };
    },
  };
}

/** Documents by their similarity; equal ones in the order in which they stand. */
function rank(query: Float32Array, documents: readonly Float32Array[]): number[] {
  const similarity = documents.map((document) => document.reduce((sum, value, i) => sum + value * query[i], 0));
  return similarity.map((_, i) => i).sort((a, b) => similarity[b] - similarity[a] || a - b);
}

async function embed(
  model: Model,
  texts: readonly TextOrIds[],
  pooling: Pooling | undefined,
  { batchSize, signal, advance }: EvaluationContext,
): Promise<Float32Array[]> {
  const rows = texts.map((text, i) => encodeWhole('retrieval', model, text, `text ${i}`));
  let seen = 0;
  const onProgress = async (done: number): Promise<void> => {
    await advance(done - seen);
    seen = done;
  };
  try {
    return await embedTexts(model, rows, { pooling, normalize: true, batchSize, signal, onProgress });
  } catch (error) {
    throw signal?.aborted === true ? evaluationAborted(error) : error;
  }
}
