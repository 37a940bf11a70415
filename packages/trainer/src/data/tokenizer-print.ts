import type { Tokenizer } from '@tesserae/tokenizer';
import { hashOf } from './rows/row-core';

/** SHA-256 of all that decides how a tokenizer encodes. */
export function tokenizerPrint(tokenizer: Tokenizer | undefined): string {
  const { kind, toJSON } = (tokenizer ?? {}) as Partial<Tokenizer>;
  return hashOf(typeof toJSON === 'function' ? JSON.stringify(tokenizer!.toJSON()) : (kind ?? 'none'));
}
