import { tesseraeError } from '@tesserae/registry';
import type { Part } from './words';

/** The part of `compromise` that is used: give another copy, or one with plugins, as `lib`. */
export type CompromiseLibrary = (text: string) => unknown;

/** A word with what the parser says of it. */
export interface Term extends Part {
  readonly tags: ReadonlySet<string>;
}

interface View {
  json(options: {
    offset: boolean;
  }): { terms: { text: string; tags: string[]; offset: Offset; implicit?: string }[] }[];
  tag(tag: string): View;
  nouns(): { toSingular(): View; toPlural(): View };
  verbs(): { conjugate(): Record<string, string>[] };
  text(): string;
}
interface Offset {
  readonly start: number;
  readonly length: number;
}

/** What is asked of the parser. */
export interface Parser {
  /** The sentences of a text as words; a sentence whose places are not certain is left out. */
  sentences(text: string): Term[][];
  singular(noun: string): string;
  plural(noun: string): string;
  /** Infinitive, PastTense, PresentTense, Gerund and, where it differs, Participle; empty where it is no verb. */
  conjugate(verb: string): Readonly<Record<string, string | undefined>>;
}

/** The parser, loaded when it is first needed. @throws E_PARSER when it is not installed, or `lib` is something else */
export async function loadParser(lib?: CompromiseLibrary): Promise<Parser> {
  const library = lib ?? (await loadCompromise());
  const view = (text: string): View => library(text) as View;
  return {
    sentences: (text) =>
      view(text)
        .json({ offset: true })
        .map(({ terms }) =>
          terms
            .filter((term) => term.text !== '')
            .map(({ text: word, tags, offset: { start, length } }) => ({
              start,
              end: start + length,
              text: word,
              tags: new Set(tags),
            })),
        )
        .filter((terms) => terms.length > 0 && terms.every((one) => text.slice(one.start, one.end) === one.text)),
    singular: remembered((noun) => view(noun).tag('Plural').nouns().toSingular().text()),
    plural: remembered((noun) => view(noun).tag('Singular').nouns().toPlural().text()),
    conjugate: remembered((verb) => view(verb).tag('Verb').verbs().conjugate()[0] ?? {}),
  };
}

/** Words whose forms are kept at most; a text with typing errors has ever new ones. */
const MOST = 20_000;

/** The same words come again and again, and the parser takes a millisecond for each. */
function remembered<T>(ask: (word: string) => T): (word: string) => T {
  const known = new Map<string, T>();
  return (word) => {
    if (known.has(word)) return known.get(word) as T;
    if (known.size === MOST) known.clear();
    const answer = ask(word);
    known.set(word, answer);
    return answer;
  };
}

async function loadCompromise(): Promise<CompromiseLibrary> {
  try {
    const found = (await import('compromise')) as unknown as { default: unknown };
    const inner = found.default as { default?: unknown };
    return (typeof inner === 'function' ? inner : inner.default) as CompromiseLibrary;
  } catch (cause) {
    throw tesseraeError({
      package: 'trainer',
      plugin: 'augmentation',
      code: 'E_PARSER',
      message: `the parser cannot be loaded: ${(cause as Error).message}`,
      fix: 'run npm install compromise, or give it as lib',
    });
  }
}
