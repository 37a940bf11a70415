/**
 * The fixed position table of the first transformer: features 2i and 2i + 1 of position p are the sine and the cosine of
 * p / 10000^(2i / D). Vaswani et al.: "Attention Is All You Need" (2017), section 3.5.
 *
 * @param positions rows
 * @param features columns D
 * @param options `interleaved`: sines and cosines in turn (DistilBERT); otherwise all sines come first (Marian)
 * @returns [positions · D], row by row
 * @example
 * ```ts
 * import { sinusoidalTable } from '@tesserae/core';
 *
 * console.log(sinusoidalTable(1, 4, { interleaved: false })); // → Float32Array(4) [ 0, 0, 1, 1 ]
 * ```
 */
export function sinusoidalTable(
  positions: number,
  features: number,
  { interleaved }: { readonly interleaved: boolean },
): Float32Array {
  const table = new Float32Array(positions * features);
  const sines = Math.ceil(features / 2);
  for (let position = 0; position < positions; position++) {
    for (let feature = 0; feature < features; feature++) {
      const pair = Math.floor(feature / 2);
      const angle = position / 10000 ** ((2 * pair) / features);
      const column = interleaved ? feature : pair + (feature % 2) * sines;
      table[position * features + column] = feature % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return table;
}
