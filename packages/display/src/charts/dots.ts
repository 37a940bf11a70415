/** A drawing made of characters that hold two by four dots each: the braille block of Unicode. */
export interface Dots {
  /** Draws a line between two places, in dots from the upper left corner, that belongs to a series. */
  line(from: readonly [x: number, y: number], to: readonly [x: number, y: number], series: number): void;
  /** Row by row: each character and the series that drew into it last; a space and -1 where there is nothing. */
  cells(): [character: string, series: number][][];
}

/** The bit of each dot of a character, by column and row: Unicode, chapter 21.1. */
const BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const EMPTY = 0x2800;

/** A drawing of so many characters. */
export function createDots(width: number, height: number): Dots {
  const bits = new Uint8Array(width * height);
  const owners = new Int32Array(width * height).fill(-1);
  const dot = (x: number, y: number, series: number): void => {
    const cell = (y >> 2) * width + (x >> 1);
    bits[cell] |= BITS[x & 1][y & 3];
    owners[cell] = series;
  };
  return {
    line([x0, y0], [x1, y1], series) {
      const steps = Math.max(1, Math.round(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
      for (let step = 0; step <= steps; step++) {
        const share = step / steps;
        dot(Math.round(x0 + share * (x1 - x0)), Math.round(y0 + share * (y1 - y0)), series);
      }
    },
    cells: () =>
      Array.from({ length: height }, (_, row) =>
        Array.from({ length: width }, (_, column) => {
          const cell = row * width + column;
          return [bits[cell] === 0 ? ' ' : String.fromCharCode(EMPTY + bits[cell]), owners[cell]];
        }),
      ),
  };
}
