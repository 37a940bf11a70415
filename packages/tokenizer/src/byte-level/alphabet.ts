/**
 * GPT-2's byte alphabet: a printable character for each of the 256 bytes, so that any bytes can be written as text.
 * Printable Latin-1 characters stand for themselves; the 68 others are moved to U+0100 and up, in order.
 */
export interface ByteAlphabet {
  /** The character of each byte. */
  readonly characters: readonly string[];
  /** The byte of each character code below 512, or -1. */
  readonly bytes: Int16Array;
}

let alphabet: ByteAlphabet | undefined;

/** The alphabet, made on first use. */
export function byteAlphabet(): ByteAlphabet {
  if (alphabet) return alphabet;
  const characters: string[] = [];
  const bytes = new Int16Array(512).fill(-1);
  let moved = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    const code = printable ? byte : 256 + moved++;
    characters.push(String.fromCharCode(code));
    bytes[code] = byte;
  }
  return (alphabet = { characters, bytes });
}

/** The bytes that a token of the vocabulary stands for, or undefined when it is not written in the alphabet. */
export function tokenBytes(token: string): Uint8Array | undefined {
  const { bytes } = byteAlphabet();
  const out = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const code = token.charCodeAt(i);
    const byte = code < 512 ? bytes[code] : -1;
    if (byte < 0) return undefined;
    out[i] = byte;
  }
  return out;
}

/**
 * The 256 characters in the order in which vocabularies list them: by code point, so that `!` comes first.
 */
export function alphabetInVocabularyOrder(): string[] {
  return [...byteAlphabet().characters].sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0));
}
