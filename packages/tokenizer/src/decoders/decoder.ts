import { tokenBytes } from '../byte-level/alphabet';
import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { matchesOf, readPattern } from '../patterns/pattern';
import {
  asPart,
  booleanSetting,
  countSetting,
  DEEPEST_NESTING,
  listSetting,
  stringSetting,
  tooDeep,
} from '../patterns/read-part';
import { jsonError } from '../tokenizer-json/check';

/** Turns tokens into pieces of text, which are then joined. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

/** Makes the decoder that a file describes; without one, tokens are joined by spaces. */
export function createDecoder(json: TokenizerPartJson | null | undefined): Decoder {
  return json ? readDecoder(json, 0) : (tokens) => [tokens.join(' ')];
}

function readDecoder(json: TokenizerPartJson, depth: number): Decoder {
  if (depth > DEEPEST_NESTING) throw tooDeep('decoder');
  switch (json.type) {
    case 'Sequence': {
      const steps = listSetting(json, 'decoders').map((part) => readDecoder(asPart(part, 'decoder'), depth + 1));
      return (tokens) => steps.reduce((done, step) => step(done), tokens);
    }
    case 'ByteLevel':
      return byteLevel;
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'WordPiece':
      return wordPiece(stringSetting(json, 'prefix', '##'), booleanSetting(json, 'cleanup', true));
    case 'Metaspace':
      return metaspace(json);
    case 'BPEDecoder': {
      const suffix = stringSetting(json, 'suffix', '</w>');
      return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
    }
    case 'Replace': {
      const pattern = readPattern(json);
      const content = stringSetting(json, 'content');
      return (tokens) => tokens.map((token) => replaceAll(token, matchesOf(pattern, token), content));
    }
    case 'Strip':
      return strip(stringSetting(json, 'content', ' '), countSetting(json, 'start', 0), countSetting(json, 'stop', 0));
    case 'CTC':
      return ctc(json);
    default:
      throw jsonError(`not one that can be run (there is no decoder ${JSON.stringify(json.type)})`);
  }
}

function replaceAll(text: string, matches: readonly (readonly [number, number])[], content: string): string {
  let out = '';
  let done = 0;
  for (const [start, end] of matches) {
    out += text.slice(done, start) + content;
    done = end;
  }
  return out + text.slice(done);
}

const utf8 = (fatal: boolean): InstanceType<typeof TextDecoder> => new TextDecoder('utf-8', { ignoreBOM: true, fatal });

function byteLevel(tokens: readonly string[]): string[] {
  const encoder = new TextEncoder();
  const parts = tokens.map((token) => tokenBytes(token) ?? encoder.encode(token));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return [utf8(false).decode(bytes)];
}

/** `<0xE2>` and the like become bytes; runs that are not UTF-8 become one U+FFFD for each byte. */
function byteFallback(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      out.push(utf8(true).decode(Uint8Array.from(bytes)));
    } catch {
      for (let i = 0; i < bytes.length; i++) out.push('\ufffd');
    }
    bytes = [];
  };
  for (const token of tokens) {
    const digits = /^<0x([\dA-Fa-f]{2})>$/.exec(token)?.[1];
    if (digits !== undefined) bytes.push(parseInt(digits, 16));
    else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
}

function wordPiece(prefix: string, cleanup: boolean): Decoder {
  return (tokens) =>
    tokens.map((token, i) => {
      if (i > 0) token = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return cleanup ? cleanUpToken(token) : token;
    });
}

/** The clean-up of the Rust library, token by token. */
function cleanUpToken(token: string): string {
  return token
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

function metaspace(json: TokenizerPartJson): Decoder {
  const replacement = stringSetting(json, 'replacement', '▁');
  const scheme = json.prepend_scheme ?? (json.add_prefix_space === false ? 'never' : 'always');
  return (tokens) => tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '));
}

function strip(content: string, start: number, stop: number): Decoder {
  return (tokens) =>
    tokens.map((token) => {
      const characters = [...token];
      let from = 0;
      while (from < start && from < characters.length && characters[from] === content) from++;
      let to = characters.length;
      while (to > from && characters.length - to < stop && characters[to - 1] === content) to--;
      return characters.slice(from, to).join('');
    });
}

function ctc(json: TokenizerPartJson): Decoder {
  const pad = stringSetting(json, 'pad_token', '<pad>');
  const delimiter = stringSetting(json, 'word_delimiter_token', '|');
  const cleanup = booleanSetting(json, 'cleanup', true);
  return (tokens) =>
    tokens
      .filter((token, i) => i === 0 || token !== tokens[i - 1])
      .map((token) => {
        const kept = pad === '' ? token : token.replaceAll(pad, '');
        return cleanup ? cleanUpToken(kept).replaceAll(delimiter, ' ') : kept;
      })
      .filter((token) => token !== '');
}
