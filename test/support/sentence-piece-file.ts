import { Buffer } from 'node:buffer';

/** A piece with its score and kind: 1 ordinary, 2 unknown, 3 control. */
type Piece = readonly [text: string, score: number, kind?: number];

const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);

/** A SentencePiece model file with these pieces. */
export function sentencePieceFile(pieces: readonly Piece[], kind: 'unigram' | 'bpe' = 'unigram'): Buffer {
  const parts = pieces.map(([text, score, type = 1]) => {
    const number = Buffer.alloc(5);
    number[0] = (2 << 3) | 5;
    number.writeFloatLE(score, 1);
    return field(1, Buffer.concat([field(1, Buffer.from(text)), number, Buffer.from([3 << 3, type])]));
  });
  return Buffer.concat([...parts, field(2, Buffer.from([3 << 3, kind === 'unigram' ? 1 : 2]))]);
}
