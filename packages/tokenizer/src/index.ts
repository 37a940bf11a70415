export { applyChatTemplate } from './chat/apply-chat-template';
export type { ChatContentPart, ChatMessage, ChatTemplateOptions } from './chat/apply-chat-template';
export { readChatTemplate } from './chat/chat-template';
export type { ChatTemplate } from './chat/chat-template';
export { encodeChat } from './chat/encode-chat';
export type { BatchEncoding } from './encoding/batch';
export type { Encoding } from './encoding/encoding';
export type { EncodingOptions } from './encoding/options';
export type { TruncationStrategy } from './encoding/truncate';
export { loadBertVocabulary } from './files/load-bert-vocabulary';
export type { BertVocabulary } from './files/load-bert-vocabulary';
export { loadGgufTokenizer } from './files/load-gguf-tokenizer';
export { loadGpt2Files } from './files/load-gpt2-files';
export type { Gpt2Files } from './files/load-gpt2-files';
export { loadSentencePiece } from './files/load-sentence-piece';
export type { SentencePieceFile } from './files/load-sentence-piece';
export { loadTokenizer } from './files/load-tokenizer';
export type { LoadTokenizerOptions } from './files/load-tokenizer';
export { loadTokenizerFolder } from './files/load-tokenizer-folder';
export type { TokenizerConfig, TokenizerFolder } from './files/load-tokenizer-folder';
export { saveTokenizer } from './files/save-tokenizer';
export type {
  BatchEncodingOptions,
  DecodeOptions,
  DecodeStream,
  DecodeStreamOptions,
  EncodeOptions,
  Tokenizer,
} from './interface/tokenizer';
export type { AddedTokenJson, TokenizerJson, TokenizerModelJson, TokenizerPartJson } from './interface/tokenizer-json';
export { byteLevelBpe, character, tokenizerJson, unigram, wordPiece } from './plugins/tokenizer-plugins';
export type {
  ByteLevelBpePluginOptions,
  CharacterPluginOptions,
  TokenizerJsonPluginOptions,
  UnigramPluginOptions,
  WordPiecePluginOptions,
} from './plugins/tokenizer-plugins';
export { specialTokenId } from './special-tokens/split';
export { trainByteLevelBpe } from './training/train-byte-level-bpe';
export type { BpeTrainingProgress, ByteLevelBpeTrainingOptions } from './training/train-byte-level-bpe';
export { trainCharacterTokenizer } from './training/train-character';
export type { CharacterTrainingOptions } from './training/train-character';
export { trainUnigram } from './training/train-unigram';
export type { UnigramTrainingOptions, UnigramTrainingProgress } from './training/train-unigram';
export { trainWordPiece } from './training/train-word-piece';
export type { WordPieceTrainingOptions } from './training/train-word-piece';
