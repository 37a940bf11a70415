import { bert, createModel, disposeModel, gpt2, t5 } from '@tesserae/core';
import type { Model, ModelHead } from '@tesserae/core';
import { trainCharacterTokenizer, trainWordPiece } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';
import type { ObjectiveBatch, ObjectiveSettings } from '@tesserae/trainer';

/** Sentences that the tokenizer of the tests knows, some words of them only in parts. */
export const sentences = [
  'Mia went home',
  'Tom Smith saw the dog in Paris',
  'the unhappiness of cats',
  'Anna lives in New York',
  'where does Anna live?',
  'who saw the dog?',
  'a dog and a cat ran home happily',
];

let trained: Tokenizer | undefined;
/** BERT's kind of tokenizer, of few tokens, so that words come in parts. */
export const wordPieces = (): Tokenizer =>
  (trained ??= trainWordPiece(sentences.join('\n'), { vocabSize: 60, minFrequency: 1 }));

const made = new Map<string, Model>();
const model = (name: string, make: () => unknown): Model => {
  if (!made.has(name)) made.set(name, make() as Model);
  return made.get(name)!;
};

/** Frees the models of a test file. */
export function disposeLearners(): void {
  made.forEach((one) => disposeModel(one));
  made.clear();
}

/** A small encoder with a head, without dropout. */
export const encoder = (head: ModelHead, numLabels = 2, more: object = {}): Model =>
  model(`${head} ${numLabels} ${JSON.stringify(more)}`, () =>
    createModel(
      bert,
      {
        vocabSize: wordPieces().vocabSize,
        hiddenSize: 16,
        intermediateSize: 32,
        numHiddenLayers: 1,
        numAttentionHeads: 2,
        maxPositionEmbeddings: 32,
        hiddenDropout: 0,
        attentionDropout: 0,
        initializerRange: 0.2,
        padTokenId: wordPieces().tokenToId('[PAD]')!,
        head,
        numLabels,
        ...more,
      },
      { seed: 1, tokenizer: wordPieces() },
    ),
  );

/** Letters, and sentinels for spans. */
export const letters = trainCharacterTokenizer('abcdefghijklmnopqrstuvwxyz :\n', {
  specialTokens: ['<pad>', '</s>', '<extra_id_0>', '<extra_id_1>', '<extra_id_2>', '<u>', '<a>', '<s>'],
});
const size = {
  vocabSize: letters.vocabSize,
  hiddenSize: 16,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  padTokenId: letters.tokenToId('<pad>')!,
  eosTokenId: letters.tokenToId('</s>')!,
};

/** A small encoder-decoder over letters. */
export const encoderDecoder = (): Model =>
  model('encoder-decoder', () => {
    const config = { ...size, headDim: 8, intermediateSize: 32, dropout: 0, decoderStartTokenId: size.padTokenId };
    return createModel(t5, config, { tokenizer: letters, seed: 2 });
  });

/** A small decoder over letters. */
export const decoder = (more: object = {}): Model =>
  model(`decoder ${JSON.stringify(more)}`, () => {
    const still = { embeddingDropout: 0, residualDropout: 0, attentionDropout: 0 };
    const config = { ...size, ...still, maxPositionEmbeddings: 48, ...more };
    return createModel(gpt2, config, { tokenizer: letters, seed: 2 });
  });

/** What an objective is told when it takes up all of the data, in rows of its order. */
export const settings = (rows: number, more: Partial<ObjectiveSettings> = {}): ObjectiveSettings => ({
  rows,
  evaluationRows: rows,
  evaluationBatches: 0,
  contextLength: undefined,
  validationFraction: 0,
  seed: 0,
  ...more,
});

/** One row of a list that holds `rows` of them. */
export const rowOf = (list: ObjectiveBatch[string], row: number, rows: number): number[] =>
  Array.from(list!.subarray((row * list!.length) / rows, ((row + 1) * list!.length) / rows));

/** The rows of a list. */
export const rowsOf = (list: ObjectiveBatch[string], rows: number): number[][] =>
  Array.from({ length: rows }, (_, row) => rowOf(list, row, rows));
