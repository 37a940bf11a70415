import { describeValue, tesseraeError } from '@tesserae/registry';

/**
 * Puts sequences together so that few rows hold all of them: longest first, each into the fullest row that has room
 * (best-fit decreasing). The same lengths give the same rows.
 *
 * @param lengths tokens of each sequence, each from 1 to `contextLength`
 * @param contextLength tokens of a row
 * @returns for each row the numbers of its sequences, each number once
 * @throws E_OPTION for a length that fits no row
 *
 * Johnson: "Near-optimal bin packing algorithms" (1973); Krell et al.: "Efficient Sequence Packing without
 * Cross-contamination" (2021), section 3.1.
 *
 * @example
 * ```ts
 * import { packSequences } from '@tesserae/trainer';
 * console.log(packSequences([3, 5, 2, 6, 8], 8)); // → [ [ 4 ], [ 3, 2 ], [ 1, 0 ] ]
 * ```
 */
export function packSequences(lengths: ArrayLike<number>, contextLength: number): number[][] {
  if (!Number.isSafeInteger(contextLength) || contextLength < 1)
    throw badLength(`rows of ${describeValue(contextLength)} tokens`, 'give a whole number from 1 up');
  const order = Array.from({ length: lengths.length }, (_, i) => i);
  for (const i of order)
    if (!(Number.isInteger(lengths[i]) && lengths[i] >= 1 && lengths[i] <= contextLength))
      throw badLength(
        `sequence ${i} has ${describeValue(lengths[i])} tokens, and a row ${contextLength}`,
        'cut sequences to whole numbers of tokens from 1 to those of a row',
      );
  order.sort((a, b) => lengths[b] - lengths[a]); // stable: equal ones keep their order
  const packs: number[][] = [];
  const withRoom: number[][] = Array.from({ length: contextLength + 1 }, () => []); // numbers of packs by their room
  for (const i of order) {
    let room = lengths[i];
    while (room <= contextLength && withRoom[room].length === 0) room++;
    const pack = room <= contextLength ? withRoom[room].pop()! : packs.push([]) - 1;
    packs[pack].push(i);
    withRoom[Math.min(room, contextLength) - lengths[i]].push(pack);
  }
  return packs;
}

const badLength = (message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: 'packSequences', code: 'E_OPTION', message, fix });
