import { readFile, stat } from 'node:fs/promises';
import { tesseraeError } from '@tesserae/registry';
import { loadTokenizer } from '@tesserae/tokenizer';
import type { Tokenizer, TokenizerJson } from '@tesserae/tokenizer';

/** A token with the score that decides which pair is merged first. */
interface ScoredToken {
  readonly text: string;
  readonly score: number;
}

const MAX_FILE_BYTES = 64 * 2 ** 20;
/** `<unk>`, `<s>`, `</s>`; the file has line feeds around the last two. */
const specialTokens = ['<unk>', '<s>', '</s>'];
const byteToken = /^<0x[0-9A-F]{2}>$/;

const tokenizerError = (file: string, message: string): Error =>
  tesseraeError({
    package: 'hub',
    code: 'E_LLAMA2C_TOKENIZER',
    message: `${file}: ${message}`,
    fix: "give the tokenizer.bin that llama2.c's tokenizer.py wrote for this vocabulary",
  });

/** Reads score, length and bytes of each token; spaces go back to SentencePiece's mark for them. */
function readTokens(bytes: Uint8Array, count: number, file: string): ScoredToken[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const tokens: ScoredToken[] = [];
  let at = 4; // after the length of the longest token
  for (let id = 0; id < count; id++) {
    const length = at + 8 <= bytes.byteLength ? view.getInt32(at + 4, true) : -1;
    if (length < 0 || at + 8 + length > bytes.byteLength)
      throw tokenizerError(file, `token ${id} of ${count} is not whole`);
    const score = view.getFloat32(at, true);
    if (!Number.isFinite(score)) throw tokenizerError(file, `the score of token ${id} is ${score}`);
    try {
      const text = utf8.decode(bytes.subarray(at + 8, at + 8 + length));
      tokens.push({ text: specialTokens[id] ?? text.replaceAll(' ', '▁'), score });
    } catch (cause) {
      throw tokenizerError(file, `token ${id} is not UTF-8 text (${String(cause)})`);
    }
    at += 8 + length;
  }
  if (at !== bytes.byteLength) throw tokenizerError(file, `${bytes.byteLength - at} bytes follow its ${count} tokens`);
  return tokens;
}

/** Both halves of every way to put a token together from two others, best score first. */
function mergesOf(tokens: readonly ScoredToken[], ids: ReadonlyMap<string, number>): [string, string][] {
  const mergeable = (id: number | undefined): id is number => id !== undefined && id >= specialTokens.length;
  const ranked = tokens
    .map((token, id) => ({ ...token, id }))
    .filter(({ text, id }) => mergeable(id) && !byteToken.test(text))
    .sort((a, b) => b.score - a.score || a.id - b.id);
  return ranked.flatMap(({ text }) => {
    const letters = [...text];
    const pairs: { left: string; right: string; order: number[] }[] = [];
    for (let cut = 1; cut < letters.length; cut++) {
      const [left, right] = [letters.slice(0, cut).join(''), letters.slice(cut).join('')];
      const order = [ids.get(left), ids.get(right)];
      if (order.every(mergeable)) pairs.push({ left, right, order });
    }
    pairs.sort((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1]);
    return pairs.map(({ left, right }): [string, string] => [left, right]);
  });
}

/** The same tokenizer as Hugging Face writes Llama's: merges ranked by score, what is unknown as bytes. */
function tokenizerJson(tokens: readonly ScoredToken[], file: string): TokenizerJson {
  const ids = new Map(tokens.map(({ text }, id) => [text, id]));
  if (ids.size !== tokens.length || ids.has('')) throw tokenizerError(file, 'a token is empty or stands there twice');
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [
        { SpecialToken: { id: '<s>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '<s>', type_id: 1 } },
        { Sequence: { id: 'B', type_id: 1 } },
      ],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(tokens.map(({ text }, id) => [text, id])),
      merges: mergesOf(tokens, ids),
    },
  };
}

/**
 * Reads the tokenizer of a llama2.c checkpoint (`tokenizer.bin`, `tok512.bin`): SentencePiece's byte-pair encoding with a
 * score for each token, as a tokenizer like any other, which `saveTokenizer` writes as Hugging Face's `tokenizer.json`.
 *
 * @param file the path of the file
 * @param vocabSize how many tokens it has: the file does not say
 * @returns the tokenizer; it begins a text with `<s>`
 * @throws E_NOT_FOUND when it cannot be read; E_LLAMA2C_TOKENIZER when it is damaged or has another number of tokens
 * @see https://github.com/karpathy/llama2.c, `tokenizer.py`
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { readLlama2cTokenizer } from '@tesserae/hub';
 *
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'tokenizer.bin');
 * const tokens = ['<unk>', '<s>', '</s>', ' ', 'h', 'i', ' h', ' hi'];
 * const parts = tokens.map((text, id) => {
 *   const part = Buffer.alloc(8 + text.length);
 *   part.writeFloatLE(-id);
 *   part.writeInt32LE(text.length, 4);
 *   part.write(text, 8);
 *   return part;
 * });
 * writeFileSync(file, Buffer.concat([Buffer.from([5, 0, 0, 0]), ...parts]));
 * const tokenizer = await readLlama2cTokenizer(file, tokens.length);
 * console.log([...tokenizer.encode('hi')]); // → [ 1, 7 ]
 * ```
 */
export async function readLlama2cTokenizer(file: string, vocabSize: number): Promise<Tokenizer> {
  const size = await stat(file).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
  if (size === undefined) {
    throw tesseraeError({
      package: 'hub',
      code: 'E_NOT_FOUND',
      message: `there is no file ${file}`,
      fix: 'give the path of the tokenizer.bin that belongs to the checkpoint',
    });
  }
  if (size > MAX_FILE_BYTES || size < 4) throw tokenizerError(file, `${size} bytes are no tokenizer`);
  return loadTokenizer(tokenizerJson(readTokens(await readFile(file), vocabSize, file), file));
}
