import { describeValue } from '@tesserae/registry';
import { checkText, tokenizerError } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import type { Pipeline } from '../pipeline/pipeline';
import { addedBy } from '../post-processors/post-processor';
import type { TemplatePart } from '../post-processors/post-processor';
import { createBatch } from './batch';
import { addedRows, finishRows, joinRows } from './encoding';
import type { Encoding, EncodingRows } from './encoding';
import { checkEncodingOptions, ENCODING_OPTIONS, readPadding, readTruncation } from './options';
import type { EncodingOptions } from './options';
import { padRows, padTokenOf, paddedLength } from './pad';
import { trimOffsets } from './trim-offsets';
import { truncate } from './truncate';
import type { Windows } from './truncate';

/** A text or a pair, cut into windows and put into the template. */
export type Encoded = readonly [EncodingRows, ...EncodingRows[]];

/** `encodeWithOffsets` and `encodeBatch` of a tokenizer. */
export function encodingMethods(pipelineOf: () => Pipeline): Pick<Tokenizer, 'encodeWithOffsets' | 'encodeBatch'> {
  return {
    encodeWithOffsets(text, options = {}) {
      checkEncodingOptions('encodeWithOffsets', options);
      const pipeline = pipelineOf();
      const windows = encodeOne(pipeline, [text, ...(options.pair === undefined ? [] : [options.pair])], options);
      return padAll(pipeline, [windows], options, false)[0];
    },
    encodeBatch(texts, options = {}) {
      checkEncodingOptions('encodeBatch', options, [...ENCODING_OPTIONS.filter((name) => name !== 'pair'), 'overflow']);
      if (!Array.isArray(texts))
        throw tokenizerError('E_TEXT', `encodeBatch takes a list, found ${describeValue(texts)}`, 'pass [ … ]');
      const pipeline = pipelineOf();
      const encoded = texts.map((text: string | readonly [string, string]) => {
        if (Array.isArray(text) && text.length !== 2)
          throw tokenizerError('E_TEXT', `a pair has two texts, found ${describeValue(text)}`, 'pass [first, second]');
        return encodeOne(pipeline, typeof text === 'string' ? [text] : text, options);
      });
      return createBatch(padAll(pipeline, encoded, options, true), options.overflow === true);
    },
  };
}

/** Fills encodings up to the length that options ask for. */
function padAll(pipeline: Pipeline, all: readonly Encoded[], options: EncodingOptions, byDefault: boolean): Encoding[] {
  const padding = readPadding(options, pipeline.json.padding, byDefault);
  const longest = Math.max(0, ...all.map((windows) => Math.max(...windows.map((rows) => rows.ids.length))));
  const length = padding ? paddedLength(padding, longest) : 0;
  const needed = all.some((windows) => windows.some((rows) => rows.ids.length < length));
  const token = padding && needed ? padTokenOf(pipeline, options.padToken) : undefined;
  return all.map((windows) => {
    const [first, ...rest] = windows.map((rows) => (token ? padRows(rows, length, token, padding!.side) : rows));
    return finishRows(
      first,
      rest.map((rows) => finishRows(rows, [])),
    );
  });
}

function encodeOne(pipeline: Pipeline, texts: readonly string[], options: EncodingOptions): Encoded {
  for (const text of texts) checkText('encode', text);
  const { postProcessor, json } = pipeline;
  const template = texts.length === 2 ? postProcessor.pair : postProcessor.single;
  const parts = options.addSpecialTokens === false ? template.filter((part) => !('ids' in part)) : template;
  if (template.length === 0)
    throw tokenizerError('E_OPTION', 'the template of this tokenizer has no place for a pair', 'pass one text');
  const truncation = readTruncation(options, json.truncation, addedBy(parts));
  const rows = texts.map((text, i) => pipeline.rows(text, i as 0 | 1, options.parseSpecialTokens));
  const windows = truncate(rows, truncation);
  for (const { addPrefixSpace } of postProcessor.trimOffsets)
    for (const list of windows) for (const window of list) trimOffsets(window, addPrefixSpace);
  for (const list of windows)
    for (const window of list) window.tokens = window.ids.map((id) => pipeline.tokens[id] ?? '');
  return combine(parts.map((part) => fill(part, windows))) as unknown as Encoded;
}

/** The windows of a part of the template. */
function fill(part: TemplatePart, windows: readonly Windows[]): Windows {
  if ('ids' in part) return [addedRows(part.ids, part.tokens, part.typeId, 1)];
  return (windows[part.sequence] ?? []).map((rows) => ({ ...rows, typeIds: rows.typeIds.map(() => part.typeId) }));
}

/**
 * Joins the parts: the first windows make the encoding, every other combination overflows, in the order of Hugging
 * Face's tokenizers: what the left side has left over first.
 */
function combine(parts: readonly Windows[]): EncodingRows[] {
  let all: EncodingRows[] = [joinRows([])];
  for (const [first, ...others] of parts) {
    if (!first) continue;
    const [main, ...left] = all;
    all = [
      joinRows([main, first]),
      ...left.flatMap((rows) => [first, ...others].map((other) => joinRows([rows, other]))),
      ...others.map((other) => joinRows([main, other])),
    ];
    if (all.length > 1 << 16)
      throw tokenizerError(
        'E_TRUNCATION',
        'there are more than 65,536 windows',
        'use a smaller stride or shorter texts',
      );
  }
  return all;
}
