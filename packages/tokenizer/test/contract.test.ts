import { describe, it } from 'vitest';
import { loadTokenizer, trainByteLevelBpe, trainCharacterTokenizer } from '@tesserae/tokenizer';
import { describeTokenizerContract } from '@tesserae/tokenizer/testing';
import { byteFallbackJson, SAMPLE, wordPieceJson } from './support';

const runner = { describe, it };
const specialTokens = ['<|endoftext|>', '<|pad|>'];

describeTokenizerContract(
  {
    name: 'byte-level BPE',
    create: () => trainByteLevelBpe(SAMPLE, { vocabSize: 300, specialTokens }),
    texts: [SAMPLE, "they've said it", ''],
    anyText: true,
  },
  runner,
);
describeTokenizerContract(
  {
    name: 'byte-level BPE, run by the library',
    create: () =>
      loadTokenizer(trainByteLevelBpe(SAMPLE, { vocabSize: 300, specialTokens }).toJSON(), { engine: 'hugging-face' }),
    texts: [SAMPLE, "they've said it"],
    anyText: true,
  },
  runner,
);
describeTokenizerContract(
  { name: 'characters', create: () => trainCharacterTokenizer(SAMPLE, { specialTokens }), texts: [SAMPLE, 'fox 🦊'] },
  runner,
);
describeTokenizerContract(
  {
    name: 'characters with an unknown token, run by the library',
    create: () =>
      loadTokenizer(trainCharacterTokenizer(SAMPLE, { specialTokens, unknownToken: '<unk>' }).toJSON(), {
        engine: 'hugging-face',
      }),
    texts: [SAMPLE, 'fox 🦊'],
  },
  runner,
);
describeTokenizerContract(
  { name: 'WordPiece', create: () => loadTokenizer(wordPieceJson()), texts: ['the foxs by riverbank', 'the the'] },
  runner,
);
describeTokenizerContract(
  { name: 'BPE with byte fallback', create: () => loadTokenizer(byteFallbackJson()), texts: ['the fox 🦊', 'naïve'] },
  runner,
);
