/** Small and quick and the same everywhere: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;
const below = (random: Random, n: number): number => Math.floor(random() * n);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;

/** Numbers where things break, as JSON writes them. */
const numbers =
  '0 -0 -1 1 2 3 7 255 65536 2147483647 2147483648 4294967296 9007199254740991 9007199254740993 1e15 1e300 1e999 -1e300 0.5 1e-9 1E400'.split(
    ' ',
  );

const others = [
  'null',
  'true',
  'false',
  '""',
  '"a"',
  '"\\u0000"',
  '"\\ud800"',
  '"../../etc/passwd"',
  '"/etc/passwd"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '{"a":{}}',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '[1e999,-1]',
];

function strangeValue(random: Random): string {
  const kind = random();
  if (kind < 0.45) return pick(random, numbers);
  if (kind < 0.9) return pick(random, others);
  if (kind < 0.94) return JSON.stringify('x'.repeat(10 ** below(random, 6)));
  if (kind < 0.97) return `[${Array.from({ length: 10 ** below(random, 5) }, () => pick(random, numbers)).join(',')}]`;
  const depth = 10 ** below(random, 6);
  return random() < 0.5 ? '['.repeat(depth) + ']'.repeat(depth) : '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where values and whole members stand in a JSON text. A text that is none gives what it can. */
function spansOf(text: string): { values: Span[]; members: Span[] } {
  const values: Span[] = [];
  const members: Span[] = [];
  const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[[\]{}:,]/g;
  const open: number[] = [];
  let key: number | undefined;
  const close = (start: number, end: number): void => {
    values.push({ start, end });
    if (key !== undefined) members.push({ start: key, end });
    key = undefined;
  };
  for (const match of text.matchAll(token)) {
    const [piece] = match;
    const at = match.index;
    if (piece === '{' || piece === '[') {
      open.push(at);
      key = undefined;
    } else if (piece === '}' || piece === ']') close(open.pop() ?? 0, at + 1);
    else if (piece === ':' || piece === ',') continue;
    else if (piece.startsWith('"') && /^\s*:/.test(text.slice(at + piece.length, at + piece.length + 20))) key = at;
    else close(at, at + piece.length);
  }
  return { values, members };
}

/** Changes one to four places of a JSON text: values, members, punctuation. */
export function mutateJson(text: string, random: Random): string {
  for (let edits = 1 + below(random, 4); edits > 0; edits--) {
    const { values, members } = spansOf(text);
    const kind = random();
    const replace = ({ start, end }: Span, by: string): void =>
      void (text = text.slice(0, start) + by + text.slice(end));
    if (kind < 0.55 && values.length > 0) replace(pick(random, values), strangeValue(random));
    else if (kind < 0.7 && members.length > 0) {
      const member = pick(random, members);
      replace(
        member,
        random() < 0.5 ? '"x":0' : `${text.slice(member.start, member.end)},${text.slice(member.start, member.end)}`,
      );
    } else if (kind < 0.8 && members.length > 0) {
      const { start } = pick(random, members);
      replace(
        { start, end: start },
        `${pick(random, ['"__proto__"', '"constructor"', '""', '"a\\u0000"'])}:${strangeValue(random)},`,
      );
    } else if (kind < 0.9 && values.length > 1) {
      const [one, other] = [pick(random, values), pick(random, values)];
      replace(one, text.slice(other.start, other.end));
    } else {
      const at = below(random, text.length + 1);
      replace(
        { start: at, end: at + below(random, 4) },
        pick(random, ['"', '{', '}', '[', ']', ',', ':', '\\', '9', '-', '\0', ' ']),
      );
    }
    if (text.length > 4_000_000) return text.slice(0, 4_000_000);
  }
  return text;
}

/** Changes bytes: flips, cuts, repeats, ends early. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let out = Buffer.from(bytes);
  for (let edits = 1 + below(random, 4); edits > 0 && out.length > 0; edits--) {
    const at = below(random, random() < 0.5 ? Math.min(out.length, 64) : out.length);
    const kind = random();
    if (kind < 0.4) out[at] = below(random, 256);
    else if (kind < 0.6) out[at] ^= 1 << below(random, 8);
    else if (kind < 0.7) out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + below(random, 16))]);
    else if (kind < 0.8) out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + 16), out.subarray(at)]);
    else if (kind < 0.9) out = Buffer.from(out.subarray(0, at));
    else if (out.length >= 8)
      out.writeBigInt64LE(
        BigInt(pick(random, ['-1', '0', '1', '4294967296', '9223372036854775807'])),
        Math.min(at, out.length - 8),
      );
  }
  return out;
}
