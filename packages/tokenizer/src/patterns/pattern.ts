import { describeValue } from '@tesserae/registry';
import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { jsonError } from '../tokenizer-json/check';
import { translateRegex } from './translate-regex';

/** A stretch of text, and whether it matched. Stretches cover the whole text, in order. */
export type Span = readonly [start: number, end: number, matched: boolean];

/** Cuts a text into stretches that match and stretches that do not. */
export type Pattern = (text: string) => Span[];

/** The pattern of a part: `{ "String": … }`, `{ "Regex": … }`, or the plain string of old files. */
export function readPattern(part: TokenizerPartJson): Pattern {
  const pattern = part.pattern as { String?: unknown; Regex?: unknown } | string | undefined | null;
  if (typeof pattern === 'string') return literalPattern(pattern);
  if (typeof pattern?.String === 'string') return literalPattern(pattern.String);
  if (typeof pattern?.Regex === 'string') return regexPattern(translateRegex(pattern.Regex));
  throw jsonError(`${part.type}.pattern is ${describeValue(pattern)}, expected { "String": … } or { "Regex": … }`);
}

/** Matches a text literally. */
export function literalPattern(literal: string): Pattern {
  return (text) => {
    const spans: Span[] = [];
    let done = 0;
    if (literal !== '')
      for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, done)) {
        if (at > done) spans.push([done, at, false]);
        spans.push([at, (done = at + literal.length), true]);
      }
    if (done < text.length) spans.push([done, text.length, false]);
    return spans;
  };
}

/** Matches a regular expression with the flag `g`. */
export function regexPattern(regex: RegExp): Pattern {
  return (text) => {
    const spans: Span[] = [];
    let done = 0;
    regex.lastIndex = 0;
    for (let match = regex.exec(text); match; match = regex.exec(text)) {
      const start = match.index;
      const end = start + match[0].length;
      if (start > done) spans.push([done, start, false]);
      spans.push([start, end, true]);
      done = end;
      if (end === start) regex.lastIndex += text.codePointAt(end)! > 0xffff ? 2 : 1;
    }
    if (done < text.length) spans.push([done, text.length, false]);
    return spans;
  };
}

/** The places where a pattern matches. */
export function matchesOf(pattern: Pattern, text: string): [number, number][] {
  const found: [number, number][] = [];
  for (const [start, end, matched] of pattern(text)) if (matched) found.push([start, end]);
  return found;
}
