import { describeValue } from '@tesserae/registry';
import { jsonError } from '../tokenizer-json/check';

/** Longer patterns than this are not run. */
const LONGEST_PATTERN = 8192;

/**
 * Translates a pattern of Oniguruma's (Ruby's) syntax, which `tokenizer.json` uses, to JavaScript with the flags `gv`:
 * `\s` is Unicode's White_Space and `\w` Unicode's word characters, `(?i:…)` is written out, possessive and atomic groups
 * become a lookahead and a back reference.
 *
 * Patterns that could take exponential time are refused: a group that is repeated without bound must not hold another
 * repetition or alternatives. So is what has no translation.
 */
export function translateRegex(source: string): RegExp {
  if (source.length > LONGEST_PATTERN)
    throw jsonError(`a regular expression has ${source.length} characters, more than ${LONGEST_PATTERN}`);
  try {
    return new RegExp(new Translator(source).translate(), 'gv');
  } catch (cause) {
    if ((cause as { code?: string }).code === 'E_TOKENIZER_JSON') throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw jsonError(`not one that can be run (${describeValue(source)} is no regular expression: ${why})`, cause);
  }
}

/** A translated piece of a pattern, and what could make its repetition slow. */
interface Term {
  code: string;
  /** It is a group that holds a repetition or alternatives. */
  branching: boolean;
}

const CLASSES: Record<string, string> = {
  s: '\\p{White_Space}',
  w: '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}',
  d: '\\p{Nd}',
  h: '0-9A-Fa-f',
};
const POSIX: Record<string, string> = {
  alpha: '\\p{Alphabetic}',
  digit: '\\p{Nd}',
  alnum: '\\p{Alphabetic}\\p{Nd}',
  upper: '\\p{Uppercase}',
  lower: '\\p{Lowercase}',
  space: '\\p{White_Space}',
  punct: '\\p{P}\\p{S}',
  cntrl: '\\p{Cc}',
  word: CLASSES.w,
  xdigit: '0-9A-Fa-f',
};

class Translator {
  private at = 0;
  private groups = 0;
  private depth = 0;

  constructor(private readonly source: string) {}

  translate(): string {
    const { code } = this.alternatives(false);
    if (this.at < this.source.length) throw this.refuse('an unmatched )');
    return code;
  }

  private refuse(what: string): Error {
    return jsonError(
      `not one that can be run (the regular expression ${describeValue(this.source)} has ${what} at ${this.at})`,
    );
  }

  private next(): string {
    const character = String.fromCodePoint(this.source.codePointAt(this.at)!);
    this.at += character.length;
    return character;
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Alternatives up to `)` or the end. */
  private alternatives(ignoreCase: boolean): Term {
    if (++this.depth > 64) throw this.refuse('groups nested too deeply');
    let code = '';
    let branching = false;
    while (this.at < this.source.length && this.source[this.at] !== ')') {
      if (this.take('|')) {
        code += '|';
        branching = true;
      } else if (this.take('(?i)')) {
        ignoreCase = true;
      } else {
        const term = this.repeated(this.term(ignoreCase));
        code += term.code;
        branching ||= term.branching;
      }
    }
    this.depth--;
    return { code, branching };
  }

  /** A term and its quantifier. */
  private repeated(term: Term): Term {
    const quantifier = /^(?:[*+?]|\{\d{1,5}(?:,\d{0,5})?\}|\{,\d{1,5}\})/.exec(
      this.source.slice(this.at, this.at + 16),
    )?.[0];
    if (!quantifier) return term;
    this.at += quantifier.length;
    const unbounded = quantifier === '*' || quantifier === '+' || /,\}$/.test(quantifier);
    if (unbounded && term.branching) throw this.refuse('a repetition inside a repetition');
    const written = quantifier.startsWith('{,') ? quantifier.replace('{,', '{0,') : quantifier;
    const many = Number(/(\d+)\}$/.exec(written)?.[1] ?? 0);
    if (many > 1000) throw this.refuse('a repetition of more than 1,000');
    const branching = quantifier !== '?' || term.branching;
    if (!quantifier.startsWith('{') && this.take('+'))
      return { code: this.atomic(`${term.code}${written}`), branching };
    return { code: `${term.code}${written}${this.take('?') ? '?' : ''}`, branching };
  }

  /** What matches is never given back: a lookahead does not backtrack. */
  private atomic(code: string): string {
    const name = `atomic${++this.groups}`;
    return `(?:(?=(?<${name}>${code}))\\k<${name}>)`;
  }

  private term(ignoreCase: boolean): Term {
    if (this.take('(')) return this.group(ignoreCase);
    if (this.take('[')) return { code: this.characterClass(ignoreCase), branching: false };
    if (this.take('\\')) return { code: this.escape(ignoreCase), branching: false };
    if (this.take('.')) return { code: '[^\\n]', branching: false };
    if (this.take('^')) return { code: '(?<![^\\n])', branching: false };
    if (this.take('$')) return { code: '(?![^\\n])', branching: false };
    const character = this.next();
    if ('*+?'.includes(character)) throw this.refuse(`${character} with nothing to repeat`);
    return { code: literal(character, ignoreCase), branching: false };
  }

  private group(ignoreCase: boolean): Term {
    let open = '(?:';
    let atomic = false;
    if (this.take('?i:')) ignoreCase = true;
    else if (this.take('?-i:')) ignoreCase = false;
    else if (this.take('?>')) atomic = true;
    else if (this.take('?:')) open = '(?:';
    else {
      const look = ['?<=', '?<!', '?=', '?!'].find((name) => this.take(name));
      if (look) open = `(${look}`;
      else if (this.source[this.at] === '?') throw this.refuse('a group of unknown kind');
    }
    const { code, branching } = this.alternatives(ignoreCase);
    if (!this.take(')')) throw this.refuse('a group without its )');
    return { code: atomic ? this.atomic(code) : `${open}${code})`, branching };
  }

  private escape(ignoreCase: boolean): string {
    const name = this.next();
    if (name === 'A') return '(?<![\\s\\S])';
    if (name === 'z') return '(?![\\s\\S])';
    if (name === 'b' || name === 'B') {
      const word = `[${CLASSES.w}]`;
      const edge = `(?:(?<!${word})(?=${word})|(?<=${word})(?!${word}))`;
      return name === 'b' ? edge : `(?!${edge})`;
    }
    return this.escapedSet(name) ?? this.escapedCharacter(name, ignoreCase);
  }

  /** `\s`, `\p{…}` and the like as a class, or undefined for a single character. */
  private escapedSet(name: string): string | undefined {
    const lower = name.toLowerCase();
    if (Object.hasOwn(CLASSES, lower)) return `[${name === lower ? '' : '^'}${CLASSES[lower]}]`;
    if (lower !== 'p') return undefined;
    const end = this.source.indexOf('}', this.at);
    if (this.source[this.at] !== '{' || end < 0) throw this.refuse('a property without braces');
    let property = this.source.slice(this.at + 1, end);
    this.at = end + 1;
    let negated = name === 'P';
    if (property.startsWith('^')) {
      negated = !negated;
      property = property.slice(1);
    }
    const posix = POSIX[property.toLowerCase()];
    if (posix !== undefined) return `[${negated ? '^' : ''}${posix}]`;
    if (!/^[A-Za-z_]+(?:=[A-Za-z_]+)?$/.test(property)) throw this.refuse('an unknown property');
    return `\\${negated ? 'P' : 'p'}{${scriptOrProperty(property)}}`;
  }

  private escapedCharacter(name: string, ignoreCase: boolean): string {
    const simple: Record<string, string> = {
      n: '\n',
      r: '\r',
      t: '\t',
      f: '\f',
      v: '\v',
      a: '\x07',
      e: '\x1b',
      0: '\0',
    };
    if (Object.hasOwn(simple, name)) return literal(simple[name], false);
    if (name === 'x' || name === 'u') {
      const digits = (name === 'u' ? /^[\dA-Fa-f]{4}/ : /^(?:\{[\dA-Fa-f]{1,6}\}|[\dA-Fa-f]{1,2})/).exec(
        this.source.slice(this.at, this.at + 10),
      )?.[0];
      const code = digits === undefined ? NaN : parseInt(digits.replace(/[{}]/g, ''), 16);
      if (!(code <= 0x10ffff)) throw this.refuse('a damaged code point');
      this.at += digits!.length;
      return literal(String.fromCodePoint(code), ignoreCase);
    }
    if (/[A-Za-z0-9]/.test(name)) throw this.refuse(`\\${name}, which is not supported`);
    return literal(name, ignoreCase);
  }

  /** A class in brackets; brackets inside it are a union, `&&` an intersection. */
  private characterClass(ignoreCase: boolean): string {
    if (++this.depth > 64) throw this.refuse('classes nested too deeply');
    const negated = this.take('^');
    const sides: string[] = [''];
    for (let first = true; ; first = false) {
      if (this.at >= this.source.length) throw this.refuse('a class without its ]');
      if (!first && this.take(']')) break;
      if (this.take('&&')) sides.push('');
      else sides[sides.length - 1] += this.classItem(ignoreCase);
    }
    this.depth--;
    const inside = sides.length === 1 ? sides[0] : sides.map((side) => `[${side}]`).join('&&');
    return `[${negated ? '^' : ''}${inside}]`;
  }

  private classItem(ignoreCase: boolean): string {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.source.slice(this.at, this.at + 16));
    if (posix && Object.hasOwn(POSIX, posix[2])) {
      this.at += posix[0].length;
      return `[${posix[1]}${POSIX[posix[2]]}]`;
    }
    if (this.take('[')) return this.characterClass(ignoreCase);
    const from = this.classCharacter(ignoreCase);
    if (from.set || this.source[this.at] !== '-' || [']', undefined].includes(this.source[this.at + 1]))
      return from.code;
    const dash = this.at++;
    const to = this.classCharacter(ignoreCase);
    if (!to.set) return ignoreCase ? bothCases(from.code, to.code) : `${from.code}-${to.code}`;
    this.at = dash; // the dash stands for itself
    this.at++;
    return `${from.code}\\-${to.code}`;
  }

  private classCharacter(ignoreCase: boolean): { code: string; set: boolean } {
    if (this.take('\\')) {
      const name = this.next();
      const set = this.escapedSet(name);
      if (set !== undefined) return { code: set, set: true };
      return { code: name === 'b' ? '\\b' : this.escapedCharacter(name, false), set: false };
    }
    const character = this.next();
    if (!ignoreCase || this.source[this.at] === '-') return { code: literal(character, false), set: false };
    return { code: inner(literal(character, true)), set: false };
  }
}

function inner(code: string): string {
  return /^\[.*\]$/s.test(code) ? code.slice(1, -1) : code;
}

function bothCases(from: string, to: string): string {
  return `${from}-${to}${from.toLowerCase()}-${to.toLowerCase()}${from.toUpperCase()}-${to.toUpperCase()}`;
}

/** One character, which must not mean anything to the regular expression. */
function literal(character: string, ignoreCase: boolean): string {
  if (ignoreCase) {
    const cases = [...new Set([character, character.toLowerCase(), character.toUpperCase(), ...folded(character)])];
    const single = cases.filter((one) => [...one].length === 1);
    if (single.length > 1) return `[${single.map((one) => literal(one, false)).join('')}]`;
  }
  if (/[$()*+.?[\\\]^{|}/]/.test(character)) return `\\${character}`;
  return /[\0-\x1f\-&!#%,:;<=>@`~]/.test(character) ? `\\x${hex(character, 2)}` : character;
}

/** Letters that fold to the same one: the long s and the Kelvin sign. */
function folded(character: string): string[] {
  const lower = character.toLowerCase();
  return lower === 's' ? ['\u017f'] : lower === 'k' ? ['\u212a'] : [];
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}

/** Oniguruma takes the name of a script as a property of its own. */
function scriptOrProperty(property: string): string {
  if (property.includes('=')) return property;
  for (const name of [property, `Script=${property}`]) {
    try {
      new RegExp(`\\p{${name}}`, 'v');
      return name;
    } catch {
      continue;
    }
  }
  return property;
}
