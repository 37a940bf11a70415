import { describeValue } from '@tesserae/registry';
import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import type { EncodeOptions } from '../interface/encode-options';
import type { Truncation, TruncationStrategy } from './truncate';

/** How texts become encodings: special tokens, and how to cut and fill up. */
export interface EncodingOptions extends EncodeOptions {
  /** The second text of a pair. */
  pair?: string;
  /** Cut what is longer than `maxLength`: `true` is `'longest_first'`. Default `false`. */
  truncation?: boolean | TruncationStrategy;
  /** Tokens, added ones included, that truncation leaves and that padding to `'max_length'` fills up to. */
  maxLength?: number;
  /** How many tokens each window repeats of the one before it, when text is cut. Default 0. */
  stride?: number;
  /** Where text is cut off. Default `'right'`, or what the tokenizer's file says. */
  truncationSide?: 'left' | 'right';
  /** Fill up: to the longest of the batch (`true`, `'longest'`), to `maxLength` (`'max_length'`), or not at all. */
  padding?: boolean | 'longest' | 'max_length';
  /** Make lengths a multiple of this when padding. */
  padToMultipleOf?: number;
  /** Where padding goes. Default `'right'`, or what the tokenizer's file says. */
  paddingSide?: 'left' | 'right';
  /** The token to fill up with. Default: what the tokenizer's file says, or the token `[PAD]`, `<pad>` or `<|pad|>`. */
  padToken?: string;
}

/** The names of {@link EncodingOptions}. */
export const ENCODING_OPTIONS: readonly string[] = [
  'addSpecialTokens',
  'parseSpecialTokens',
  'pair',
  'truncation',
  'maxLength',
  'stride',
  'truncationSide',
  'padding',
  'padToMultipleOf',
  'paddingSide',
  'padToken',
];

/** The padding that options ask for. */
export interface Padding {
  strategy: 'longest' | 'max_length';
  length: number;
  multipleOf: number;
  side: 'left' | 'right';
}

const STRATEGIES = ['longest_first', 'only_first', 'only_second'] as const;

function bad(name: string, value: unknown, expected: string): Error {
  return tokenizerError(
    'E_OPTION',
    `${name} is ${describeValue(value)}, expected ${expected}`,
    `give ${name} as ${expected}`,
  );
}

function count(options: EncodingOptions, name: 'maxLength' | 'stride' | 'padToMultipleOf', otherwise: number): number {
  const value = options[name] ?? otherwise;
  const least = name === 'padToMultipleOf' ? 1 : 0;
  if (Number.isInteger(value) && value >= least && value < 2 ** 24) return value;
  throw bad(name, value, `an integer from ${least} to ${2 ** 24 - 1}`);
}

function sideOf(name: string, value: unknown, file: unknown): 'left' | 'right' {
  const side = value ?? (typeof file === 'string' ? file.toLowerCase() : undefined) ?? 'right';
  if (side === 'left' || side === 'right') return side;
  throw bad(name, side, "'left' or 'right'");
}

/** The truncation that options ask for, with room for the tokens that the template adds. */
export function readTruncation(options: EncodingOptions, file: unknown, added: number): Truncation | undefined {
  const { truncation = false } = options;
  if (truncation === false) return undefined;
  const settings = (file ?? {}) as { max_length?: unknown; direction?: unknown };
  const strategy = truncation === true ? 'longest_first' : truncation;
  if (!STRATEGIES.includes(strategy)) throw bad('truncation', truncation, `a boolean, ${STRATEGIES.join(', ')}`);
  const inFile = typeof settings.max_length === 'number' ? settings.max_length : undefined;
  if (options.maxLength === undefined && inFile === undefined)
    throw tokenizerError('E_OPTION', 'truncation needs a maxLength', 'pass the number of tokens that the model takes');
  const maxLength = count(options, 'maxLength', inFile ?? 0) - added;
  if (maxLength < 0)
    throw tokenizerError(
      'E_TRUNCATION',
      `maxLength is ${maxLength + added}, but the template alone adds ${added} tokens`,
      `use at least ${added}, or addSpecialTokens: false`,
    );
  const side = sideOf('truncationSide', options.truncationSide, settings.direction);
  return { strategy, maxLength, stride: count(options, 'stride', 0), side };
}

/** The padding that options ask for. */
export function readPadding(options: EncodingOptions, file: unknown, otherwise: boolean): Padding | undefined {
  const padding = options.padding ?? otherwise;
  if (padding === false) return undefined;
  const strategy = padding === true ? 'longest' : padding;
  if (strategy !== 'longest' && strategy !== 'max_length')
    throw bad('padding', padding, "a boolean, 'longest', 'max_length'");
  if (strategy === 'max_length' && options.maxLength === undefined)
    throw tokenizerError(
      'E_OPTION',
      "padding to 'max_length' needs a maxLength",
      'pass the number of tokens to fill up to',
    );
  const settings = (file ?? {}) as { direction?: unknown };
  return {
    strategy,
    length: count(options, 'maxLength', 0),
    multipleOf: count(options, 'padToMultipleOf', 1),
    side: sideOf('paddingSide', options.paddingSide, settings.direction),
  };
}

/** Throws E_OPTION unless all options are known. */
export function checkEncodingOptions(
  caller: string,
  options: unknown,
  known: readonly string[] = ENCODING_OPTIONS,
): void {
  checkOptions(caller, options, known);
}
