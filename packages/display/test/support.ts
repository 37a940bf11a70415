import { isTesseraeError } from '@tesserae/registry';
import { expect } from 'vitest';
import type { Notebook, OutputStream } from '@tesserae/display';

/** Expects a coded error of this package, that its message says what the pattern says and that it carries a fix. */
export async function expectError(body: () => unknown, code: string, message: RegExp): Promise<void> {
  let caught: unknown;
  try {
    await body();
  } catch (error) {
    caught = error;
  }
  expect(isTesseraeError(caught, code), `expected ${code}, found ${String(caught)}`).toBe(true);
  const error = caught as Error & { fix: string };
  expect(error.message).toMatch(message);
  expect(error.message.startsWith(`[display] ${code}: `)).toBe(true);
  expect(error.fix.length).toBeGreaterThan(0);
}

/** A notebook that remembers what each place in its output showed. */
export function fakeNotebook(): Notebook & { places: string[][]; shown: string[] } {
  const places: string[][] = [];
  const shown: string[] = [];
  return {
    places,
    shown,
    newDisplay() {
      const place: string[] = [];
      places.push(place);
      return { html: (html) => void place.push(html) };
    },
    display: { html: (html) => void shown.push(html) },
  };
}

/** A stream that remembers what was written. */
export function fakeStream(more: Partial<OutputStream> = {}): OutputStream & { written: string[] } {
  const written: string[] = [];
  return { written, write: (text) => void written.push(text), ...more };
}

/** A clock that goes when it is told to. */
export function fakeClock(): { now: () => number; advance(milliseconds: number): void } {
  let time = 1000;
  return { now: () => time, advance: (milliseconds) => void (time += milliseconds) };
}

/** The start of an element, its end, or both. */
const TAG = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
const TEXT = /[^<]+/y;

/**
 * Checks that markup is well-formed XML (in the part of XML that charts use) and returns the text of each element with
 * text, in order.
 */
export function wellFormedTexts(markup: string): string[] {
  const open: string[] = [];
  const texts: string[] = [];
  let at = 0;
  while (at < markup.length) {
    TEXT.lastIndex = at;
    const text = TEXT.exec(markup);
    if (text) {
      if (/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\dA-Fa-f]+);)/.test(text[0]))
        throw new Error(`a bare & near ${at}: ${text[0]}`);
      if (text[0].includes('>')) throw new Error(`a bare > near ${at}: ${text[0]}`);
      if (open.length > 0) texts.push(unescapeXml(text[0]));
      else if (text[0].trim() !== '') throw new Error(`text outside: ${text[0]}`);
      at = TEXT.lastIndex;
      continue;
    }
    TAG.lastIndex = at;
    const tag = TAG.exec(markup);
    if (!tag) throw new Error(`no tag at ${at}: ${markup.slice(at, at + 80)}`);
    const [, closing, name, attributes, empty] = tag;
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map((match) => match[1]);
    if (new Set(names).size < names.length) throw new Error(`an attribute twice at ${at}: ${tag[0]}`);
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> at ${at} closes another element`);
    } else if (!empty) open.push(name);
    at = TAG.lastIndex;
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`);
  return texts;
}

function unescapeXml(text: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string, name: string) =>
    code ? String.fromCodePoint(Number(code)) : names[name],
  );
}
