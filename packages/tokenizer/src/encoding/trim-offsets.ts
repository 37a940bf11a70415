import type { EncodingRows } from './encoding';

const LEADING = /^[\p{White_Space}Ġ]*/u;
const TRAILING = /[\p{White_Space}Ġ]*$/u;

/** Takes the spaces of byte-level tokens out of their offsets; a space that was put in front was never there. */
export function trimOffsets(rows: EncodingRows, addPrefixSpace: boolean): void {
  for (const [i, token] of rows.tokens.entries()) {
    let leading = LEADING.exec(token)![0].length;
    const trailing = leading === token.length ? leading : TRAILING.exec(token)![0].length;
    let [start, end] = rows.offsets[i];
    if (leading > 0) {
      if ((i === 0 || start === 0) && addPrefixSpace && leading === 1) leading = 0;
      start = Math.min(start + leading, end);
    }
    if (trailing > 0 && end >= trailing) end = Math.max(end - trailing, start);
    rows.offsets[i] = [start, end];
  }
}
