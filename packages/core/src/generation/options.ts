import type { AttentionPattern } from '../nn/sparse/pattern';
import type { LogitsProcessor } from './processors/processor';
import type { PromptCache } from './prompt-cache-type';
import type { SequenceBias } from './processors/sequence-bias';

/** Which tokens are removed, or made more or less likely, before one is chosen; greedy generation and beams use them too. */
export interface ConstraintOptions {
  /** Above 1 makes tokens that stand in the text already less likely. */
  readonly repetitionPenalty?: number | undefined;
  /** Subtracted from the logit of each new token that came up already. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted from the logit of each new token, as often as it came up. */
  readonly frequencyPenalty?: number | undefined;
  /** No sequence of so many tokens comes up twice. */
  readonly noRepeatNgramSize?: number | undefined;
  /** Above 1 makes tokens of the encoder's text more likely. */
  readonly encoderRepetitionPenalty?: number | undefined;
  /** No sequence of so many tokens is taken over from the encoder's text. */
  readonly encoderNoRepeatNgramSize?: number | undefined;
  /** Sequences of token ids that do not come up. */
  readonly badWords?: readonly (readonly number[])[] | undefined;
  /** Added to the logits of these tokens: id → number. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined;
  /** Added to the logit of a token that would complete a sequence of tokens. */
  readonly sequenceBias?: SequenceBias | undefined;
  /** No stop token before the text, prompt included, has so many tokens. */
  readonly minLength?: number | undefined;
  /** No stop token before so many new tokens. */
  readonly minNewTokens?: number | undefined;
  /** The first new token of an encoder-decoder. */
  readonly forcedBosTokenId?: number | null | undefined;
  /** The last new token when `maxNewTokens` is reached. */
  readonly forcedEosTokenId?: number | readonly number[] | null | undefined;
  /** Tokens that never come up. */
  readonly suppressTokens?: readonly number[] | undefined;
  /** Tokens that do not come up first. */
  readonly beginSuppressTokens?: readonly number[] | undefined;
  /** [after how many new tokens, factor]: makes the end more likely with every token after. */
  readonly exponentialDecayLengthPenalty?: readonly [start: number, factor: number] | undefined;
  /** Replaces logits that are no finite numbers, which would otherwise never be chosen. */
  readonly removeInvalidValues?: boolean | undefined;
}

/** How a token is drawn. Giving any of these numbers turns sampling on; greedy generation looks at none. */
export interface SamplingOptions {
  /** Divides the logits; 0 is greedy. */
  readonly temperature?: number | undefined;
  /** Sample among the k most likely tokens; 0 among all. */
  readonly topK?: number | undefined;
  /** Sample among the most likely tokens that together have this probability. */
  readonly topP?: number | undefined;
  /** Sample among the tokens that are at least so many times as likely as the most likely one. */
  readonly minP?: number | undefined;
  /** Sample among the tokens of typical surprise that together have this probability. */
  readonly typicalP?: number | undefined;
  /** Sample among the tokens of at least this probability. */
  readonly epsilonCutoff?: number | undefined;
  /** The same with a threshold that falls as the entropy rises. */
  readonly etaCutoff?: number | undefined;
  /** Sampling on or off, whatever else is given. */
  readonly doSample?: boolean | undefined;
  /** Same model, prompt, options and seed: same tokens. 0 when absent; a list gives each prompt its own. */
  readonly seed?: number | readonly number[] | undefined;
}

/** Beam search, instead of one token after the other. With sampling, candidates are drawn. */
export interface BeamOptions {
  /** How many texts are followed side by side; above 1 turns beam search on. 1 when absent. */
  readonly numBeams?: number | undefined;
  /** Exponent p of the length: texts compete by Σ ln p / lengthᵖ; above 0 favours long ones. 1 when absent. */
  readonly lengthPenalty?: number | undefined;
  /**
   * When a prompt is done: true, as soon as `numBeams` texts have ended; false (default), when the best of those that go
   * on is unlikely to beat the worst of them; `'never'`, when it cannot.
   */
  readonly earlyStopping?: boolean | 'never' | undefined;
}

/** How tokens are chosen and when to stop. */
export interface GenerateOptions extends ConstraintOptions, SamplingOptions, BeamOptions {
  /** At most so many new tokens a row; when absent 128, or fewer where the context ends before. */
  readonly maxNewTokens?: number | undefined;
  /** At most so many tokens with the prompt; looked at where `maxNewTokens` is not given. */
  readonly maxLength?: number | undefined;
  /** So many continuations of each prompt: rows 0 … n − 1 belong to the first prompt. 1 when absent. */
  readonly numReturnSequences?: number | undefined;
  /** More processors, run on each row's logits after the constraints and before temperature and what follows it. */
  readonly processors?: readonly LogitsProcessor[] | undefined;
  /** Turns the logits into log-probabilities after all processors. */
  readonly renormalizeLogits?: boolean | undefined;
  /** A row ends before any of these texts; needs a tokenizer. */
  readonly stop?: string | readonly string[] | undefined;
  /** A row ends with any of these tokens; the config's `eosTokenId` when absent, none when empty. */
  readonly stopTokens?: readonly number[] | undefined;
  /** The first token of an encoder-decoder's decoder; the config's `decoderStartTokenId` when absent. */
  readonly decoderStartTokenId?: number | null | undefined;
  /** What the model has read before: the longest common beginning is not read again. See `createPromptCache`. */
  readonly cache?: PromptCache | undefined;
  /**
   * Which keys a query sees, in place of what the model's config says; null for all before it. With a pattern that streams
   * (`slidingWindow`, `attentionSinks`) the text can go on for ever, in a cache of constant size.
   */
  readonly attention?: AttentionPattern | null | undefined;
  /** Give each token's raw logits, before any processor. */
  readonly logits?: boolean | undefined;
  /** Give each token's log-probability, and those of the so many most likely ones beside it; 0 for the token alone. */
  readonly logprobs?: number | undefined;
  /** Cancels; the iterator then throws E_ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** Every name of an option. */
export const optionNames: readonly string[] = /* @__PURE__ */ Object.keys({
  repetitionPenalty: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  noRepeatNgramSize: 0,
  encoderRepetitionPenalty: 0,
  encoderNoRepeatNgramSize: 0,
  badWords: 0,
  logitBias: 0,
  sequenceBias: 0,
  minLength: 0,
  minNewTokens: 0,
  forcedBosTokenId: 0,
  forcedEosTokenId: 0,
  suppressTokens: 0,
  beginSuppressTokens: 0,
  exponentialDecayLengthPenalty: 0,
  removeInvalidValues: 0,
  temperature: 0,
  topK: 0,
  topP: 0,
  minP: 0,
  typicalP: 0,
  epsilonCutoff: 0,
  etaCutoff: 0,
  doSample: 0,
  seed: 0,
  numBeams: 0,
  lengthPenalty: 0,
  earlyStopping: 0,
  maxNewTokens: 0,
  maxLength: 0,
  numReturnSequences: 0,
  processors: 0,
  renormalizeLogits: 0,
  stop: 0,
  stopTokens: 0,
  decoderStartTokenId: 0,
  cache: 0,
  attention: 0,
  logits: 0,
  logprobs: 0,
  signal: 0,
} satisfies Record<keyof GenerateOptions, 0>);
