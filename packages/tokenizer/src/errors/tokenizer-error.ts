import { checkOptionNames, describeValue, tesseraeError } from '@tesserae/registry';
import type { TesseraeError } from '@tesserae/registry';

/** Every code that this package can throw; the README's table says when and what to do. */
export type TokenizerErrorCode =
  | 'E_CHAT_MESSAGE'
  | 'E_CHAT_TEMPLATE'
  | 'E_EMPTY_TEXT'
  | 'E_OPTION'
  | 'E_RAGGED'
  | 'E_SPECIAL_TOKEN'
  | 'E_TEXT'
  | 'E_TOKENIZER_FILE'
  | 'E_TOKENIZER_JSON'
  | 'E_TOKEN_ID'
  | 'E_TRUNCATION'
  | 'E_UNKNOWN_CHARACTER'
  | 'E_VOCAB_SIZE';

/** An error of this package. */
export function tokenizerError(
  code: TokenizerErrorCode,
  message: string,
  fix: string,
  more: { cause?: unknown; details?: Record<string, unknown> } = {},
): TesseraeError {
  return tesseraeError({ package: 'tokenizer', code, message, fix, ...more });
}

/** Throws E_OPTION unless `options` is an object that holds known names only. */
export function checkOptions(caller: string, options: unknown, known: readonly string[]): void {
  checkOptionNames({ package: 'tokenizer', name: caller, code: 'E_OPTION' }, options, known);
}

/** Throws E_TEXT unless `text` is a string. */
export function checkText(caller: string, text: unknown): asserts text is string {
  if (typeof text !== 'string')
    throw tokenizerError('E_TEXT', `${caller} takes a string, found ${describeValue(text)}`, 'pass the text itself');
}
