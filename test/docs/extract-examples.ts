import { readFileSync } from 'node:fs';
import path from 'node:path';
import { sourceFiles } from './packages';

/** One fenced block behind an `@example` of a docstring. */
export interface Example {
  /** Where it stands: the file inside the package's source, and the line of its first line of code. */
  readonly file: string;
  readonly line: number;
  readonly code: string;
  /** What `// → value` comments say that `console.log` prints, in order. */
  readonly expected: readonly string[];
}

const docstring = /\/\*\*[\s\S]*?\*\//g;
const fence = /^```(\w*)[^\n]*\n([\s\S]*?)^```/gm;

/** Every TypeScript example in the docstrings of a package, in the order of files and lines. */
export function extractExamples(name: string): readonly Example[] {
  return sourceFiles(name).flatMap((file) => examplesOf(readFileSync(file, 'utf8'), shortName(name, file)));
}

/** The examples of one source text. */
export function examplesOf(source: string, file: string): readonly Example[] {
  return [...source.matchAll(docstring)].flatMap((match) => {
    const text = match[0].replace(/^[ \t]*\*? ?/gm, (margin) => (margin.includes('*') ? '' : margin));
    const firstLine = source.slice(0, match.index).split('\n').length;
    return afterTag(text, '@example').flatMap(({ block, line }) =>
      [...block.matchAll(fence)].filter(isTypeScript).map((found) => {
        const code = found[2]!.replaceAll('*\\/', '*/');
        const inside = block.slice(0, found.index).split('\n').length;
        return { file, line: firstLine + line + inside, code, expected: expectations(code) };
      }),
    );
  });
}

function isTypeScript(found: RegExpMatchArray): boolean {
  return found[1] === 'ts' || found[1] === 'typescript';
}

/** The text behind each tag, up to the next tag at the start of a line outside a fence. */
function afterTag(text: string, tag: string): readonly { block: string; line: number }[] {
  const lines = text.split('\n');
  const blocks: { block: string[]; line: number }[] = [];
  let current: { block: string[]; line: number } | undefined;
  let fenced = false;
  lines.forEach((line, index) => {
    if (/^\s*```/.test(line)) fenced = !fenced;
    const starts = !fenced && /^\s*@\w+/.exec(line);
    if (starts) current = undefined;
    if (starts && line.trim().startsWith(tag)) blocks.push((current = { block: [], line: index }));
    current?.block.push(line);
  });
  return blocks.map(({ block, line }) => ({ block: block.join('\n'), line }));
}

/** The values behind `// →`; `// → …` alone promises nothing. */
function expectations(code: string): readonly string[] {
  return [...code.matchAll(/\/\/ →[ \t]*(.*)$/gm)].map((match) => match[1]!.trim()).filter((value) => value !== '…');
}

function shortName(name: string, file: string): string {
  const at = file.lastIndexOf(path.join('packages', name, 'src'));
  return file.slice(at).replaceAll(path.sep, '/');
}
