import assert from 'node:assert/strict';
import { isTesseraeError } from '@tesserae/registry';
import { loadTokenizer } from '../files/load-tokenizer';
import type { Tokenizer } from '../interface/tokenizer';

/** The two functions of a test runner that contracts use: Vitest, Jest and `node:test` all have them. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => void | Promise<void>): unknown;
}

/** A tokenizer to be tested, and what it promises. */
export interface TokenizerContract {
  /** Its name in the test's titles. */
  name: string;
  /** Makes the tokenizer; called anew for each test, and must make the same one each time. */
  create: () => Tokenizer;
  /** Texts that come back unchanged from `decode(encode(text))`. At least one. */
  texts: readonly string[];
  /** It promises that for every text: emoji, control characters, mixed scripts and long words are tried too. */
  anyText?: boolean;
}

const EVERYTHING = [
  ' ',
  '\n\n \t\r\n ',
  '\u0000\u0001\u007f\u0085\ufeff\u2028',
  "naïve café 12,345.678 ½ ² don’t don't",
  '川は森のそばを流れる。강은 숲을 지난다. Река течёт.',
  '👩‍👩‍👧🇫🇮🦊 e\u0301',
  `${'a'.repeat(3000)} ${'ab'.repeat(3000)}`,
  '__proto__ constructor <|not-a-token|>',
];

const throwsCode = (body: () => unknown, code: string): void =>
  assert.throws(body, (error) => {
    assert.ok(isTesseraeError(error, code), `expected ${code}, found ${String(error)}`);
    return true;
  });

/**
 * Writes the tests that every tokenizer must pass: it decodes what it encodes, its ids are in range and name their
 * tokens, its stream gives whole code points that add up to `decode`, its special tokens are found, kept as text or
 * skipped as asked, `tokenizer.json` brings it back the same, and bad input gets coded errors.
 *
 * @param contract `name`, `create`, `texts`, `anyText`
 * @param runner `describe` and `it` of the test runner
 *
 * @example
 * ```ts
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * import { describeTokenizerContract } from '@tesserae/tokenizer/testing';
 *
 * const names: string[] = [];
 * describeTokenizerContract(
 *   { name: 'characters', create: () => trainCharacterTokenizer('hello world'), texts: ['low world'] },
 *   { describe: (_name, body) => body(), it: (name) => names.push(name) }, // in real life: vitest's
 * );
 * console.log(names.length > 4); // → true
 * ```
 */
export function describeTokenizerContract(contract: TokenizerContract, runner: TestRunner): void {
  const { describe, it } = runner;
  const { create } = contract;
  const texts = [...contract.texts, ...(contract.anyText ? EVERYTHING : [])];
  describe(`tokenizer contract: ${contract.name}`, () => {
    it('decodes what it encodes', () => {
      assert.ok(texts.length > 0, 'the contract needs at least one text');
      const tokenizer = create();
      for (const text of texts)
        assert.equal(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false })), text);
    });
    it('gives ids below vocabSize, each the id of its token', () => checkIds(create(), texts));
    it('gives the same ids each time it is made', () => {
      const [first, second] = [create(), create()];
      for (const text of texts) assert.deepEqual(second.encode(text), first.encode(text));
    });
    it('streams whole code points that add up to the text', () => checkStream(create(), texts));
    it('comes back the same from tokenizer.json', () => checkRoundTrip(create(), texts));
    it('finds, keeps or skips special tokens as asked', () => checkSpecialTokens(create(), contract.texts[0]));
    it('makes nothing of nothing', () => {
      const tokenizer = create();
      assert.equal(tokenizer.encode('', { addSpecialTokens: false }).length, 0);
      assert.equal(tokenizer.decode([]), '');
      assert.equal(tokenizer.createDecodeStream().end(), '');
    });
    it('refuses bad input with coded errors', () => checkErrors(create()));
  });
}

function checkIds(tokenizer: Tokenizer, texts: readonly string[]): void {
  const { vocabSize } = tokenizer;
  assert.ok(Number.isInteger(vocabSize) && vocabSize > 0);
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    assert.equal(Object.prototype.toString.call(ids), '[object Int32Array]');
    for (const id of ids) assert.ok(id >= 0 && id < vocabSize, `id ${id} of ${vocabSize}`);
  }
  for (let id = 0; id < vocabSize; id++) {
    const token = tokenizer.idToToken(id);
    if (token !== undefined) assert.equal(tokenizer.tokenToId(token), id, `token ${JSON.stringify(token)}`);
  }
  assert.equal(tokenizer.idToToken(vocabSize), undefined);
  assert.equal(tokenizer.tokenToId('\u0000 surely no token \u0000'), undefined);
}

function checkStream(tokenizer: Tokenizer, texts: readonly string[]): void {
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    const stream = tokenizer.createDecodeStream();
    for (let round = 0; round < 2; round++) {
      const pieces = Array.from(ids, (id) => stream.push(id));
      pieces.push(stream.end()); // after which it starts afresh
      assert.equal(pieces.join(''), tokenizer.decode(ids));
      for (const piece of pieces) assert.doesNotMatch(piece, /\p{Cs}/u, 'half a code point');
    }
  }
}

function checkRoundTrip(tokenizer: Tokenizer, texts: readonly string[]): void {
  const copy = loadTokenizer(JSON.parse(JSON.stringify(tokenizer.toJSON())));
  assert.equal(copy.vocabSize, tokenizer.vocabSize);
  assert.deepEqual(copy.specialTokens, tokenizer.specialTokens);
  assert.deepEqual(copy.toJSON(), tokenizer.toJSON());
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    assert.deepEqual(copy.encode(text), ids);
    assert.equal(copy.decode(ids), tokenizer.decode(ids));
  }
}

function checkSpecialTokens(tokenizer: Tokenizer, text: string): void {
  const plain = tokenizer.encode(text, { addSpecialTokens: false });
  for (const [token, id] of Object.entries(tokenizer.specialTokens)) {
    const written = text + token;
    const ids = tokenizer.encode(written, { addSpecialTokens: false });
    assert.equal(ids.at(-1), id, `${token} in the text is its id`);
    assert.equal(tokenizer.tokenToId(token), id);
    assert.equal(tokenizer.decode([...plain, id], { skipSpecialTokens: true }), tokenizer.decode(plain));
    const stream = tokenizer.createDecodeStream({ skipSpecialTokens: true });
    assert.equal(stream.push(id) + stream.end(), '', 'the stream skips it too');
    const listed = { addSpecialTokens: false, parseSpecialTokens: [token] };
    assert.deepEqual(tokenizer.encode(written, listed), ids);
    try {
      const asText = tokenizer.encode(token, { addSpecialTokens: false, parseSpecialTokens: false });
      assert.notDeepEqual(Array.from(asText), [id], `${token} stays text when asked`);
    } catch (error) {
      assert.ok(isTesseraeError(error, 'E_UNKNOWN_CHARACTER'), String(error)); // its letters may be unknown
    }
  }
}

function checkErrors(tokenizer: Tokenizer): void {
  throwsCode(() => tokenizer.encode(42 as unknown as string), 'E_TEXT');
  throwsCode(() => tokenizer.encode('a', { parseSpecialTokens: ['<surely no special token>'] }), 'E_SPECIAL_TOKEN');
  throwsCode(() => tokenizer.encode('a', { parseSpecialTokens: 'yes' as unknown as boolean }), 'E_OPTION');
  for (const id of [-1, tokenizer.vocabSize, 0.5, NaN, Infinity, '0' as unknown as number]) {
    throwsCode(() => tokenizer.decode([id]), 'E_TOKEN_ID');
    throwsCode(() => tokenizer.createDecodeStream().push(id), 'E_TOKEN_ID');
  }
}
