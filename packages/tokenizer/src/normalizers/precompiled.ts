import { describeValue } from '@tesserae/registry';
import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { Edits, editPiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';
import { jsonError } from '../tokenizer-json/check';

/** What a character map has for a text: the replacement of its shortest (or longest) beginning, if it has one. */
interface CharacterMap {
  /** How many bytes of `bytes[start, end)` the entry covers, and its replacement; undefined without one. */
  find(
    bytes: Uint8Array,
    start: number,
    end: number,
    longest: boolean,
  ): { length: number; content: string } | undefined;
}

/**
 * SentencePiece's compiled character map: a double array trie over UTF-8 bytes, whose values point into a block of
 * replacements that end with a zero byte.
 *
 * @see https://github.com/google/sentencepiece, `normalizer.cc`; the trie is that of Darts-clone
 */
export function readCharacterMap(blob: Uint8Array): CharacterMap {
  if (blob.length < 4) throw jsonError('precompiled_charsmap is cut off');
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const trieBytes = view.getUint32(0, true);
  if (trieBytes % 4 !== 0 || trieBytes === 0 || trieBytes + 4 > blob.length)
    throw jsonError(`precompiled_charsmap has a trie of ${trieBytes} bytes in ${blob.length}`);
  const units = new Uint32Array(trieBytes / 4);
  for (let i = 0; i < units.length; i++) units[i] = view.getUint32(4 + 4 * i, true);
  const replacements = blob.subarray(4 + trieBytes);
  const offset = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
  const text = (at: number): string | undefined => {
    const end = replacements.indexOf(0, at);
    return at >= replacements.length || end < 0 ? undefined : new TextDecoder().decode(replacements.subarray(at, end));
  };
  return {
    find(bytes, start, end, longest) {
      let found: { length: number; content: string } | undefined;
      let node = offset(units[0]);
      for (let at = start; at < end; at++) {
        if (bytes[at] === 0) break;
        node ^= bytes[at];
        const unit = units[node];
        if (node >= units.length || (unit & 0x800000ff) >>> 0 !== bytes[at]) break;
        node ^= offset(unit);
        if (((unit >>> 8) & 1) === 0) continue;
        const content = node < units.length ? text(units[node] & 0x7fffffff) : undefined;
        if (content === undefined) break;
        found = { length: at + 1 - start, content };
        if (!longest) break;
      }
      return found;
    },
  };
}

/** The normalizer of files converted from SentencePiece. */
export function precompiled(json: TokenizerPartJson): (piece: Piece) => Piece {
  const map = readCharacterMap(fromBase64(json.precompiled_charsmap));
  const utf8 = new TextEncoder();
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const known = new Map<string, string | undefined>();
  const find = (part: string): string | undefined => {
    if (known.has(part)) return known.get(part);
    const bytes = utf8.encode(part);
    const content = map.find(bytes, 0, bytes.length, false)?.content;
    if (known.size > 10_000) known.clear();
    known.set(part, content);
    return content;
  };
  const plain = Uint8Array.from({ length: 128 }, (_, code) => Number(find(String.fromCharCode(code)) === undefined));
  /** The parts of a text that are looked up, each with its replacement where it has one. */
  const lookUp = (text: string): [string, string | undefined][] => {
    if (text.length === 1) return [[text, find(text)]];
    const found: [string, string | undefined][] = [];
    for (const { segment } of graphemes.segment(text)) {
      // The Rust library looks up short clusters whole, and takes the entry of any beginning of them for all of them.
      const whole = utf8Length(segment) < 6 ? find(segment) : undefined;
      if (whole !== undefined) found.push([segment, whole]);
      else for (const character of segment) found.push([character, find(character)]);
    }
    return found;
  };
  const replaced = (text: string): string => {
    let out = '';
    for (let start = 0; start < text.length;) {
      const from = plainEnd(text, start, plain);
      let end = from;
      while (end < text.length && plainEnd(text, end, plain) === end) end++;
      out += text.slice(start, from);
      for (const [old, content] of lookUp(text.slice(from, end))) out += content ?? old;
      start = end;
    }
    return out;
  };
  return (piece) => {
    const { text } = piece;
    let end = plainEnd(text, 0, plain);
    if (end === text.length) return piece;
    if (!piece.starts) return { ...piece, text: replaced(text) };
    const edits = new Edits();
    for (let start = 0; start < text.length; end = plainEnd(text, start, plain)) {
      edits.addAll(text.slice(start, end), 0);
      const from = end;
      while (end < text.length && plainEnd(text, end, plain) === end) end++;
      for (const [old, content] of lookUp(text.slice(from, end))) {
        if (content === undefined) edits.add(old, 0);
        else substitute(edits, old, content);
      }
      start = end;
    }
    return editPiece(piece, edits);
  };
}

/** Where the run of ASCII characters that stay as they are, and are no part of a longer cluster, ends. */
function plainEnd(text: string, start: number, plain: Uint8Array): number {
  let at = start;
  while (at < text.length && text.charCodeAt(at) < 128 && plain[text.charCodeAt(at)] === 1) at++;
  const joins = at < text.length && text.charCodeAt(at) >= 128; // a mark may join the last character
  if (joins && at > start) at--;
  return at;
}

function substitute(edits: Edits, old: string, content: string): void {
  const before = [...old].length;
  const after = [...content];
  for (const [i, character] of after.entries()) edits.add(character, i >= before ? 1 : 0);
  if (after.length < before && edits.changes.length > 0)
    edits.changes[edits.changes.length - 1] += after.length - before;
}

function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

function fromBase64(value: unknown): Uint8Array {
  if (typeof value !== 'string')
    throw jsonError(`Precompiled.precompiled_charsmap is ${describeValue(value)}, expected base64`);
  try {
    return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw jsonError('Precompiled.precompiled_charsmap is not base64', cause);
  }
}
