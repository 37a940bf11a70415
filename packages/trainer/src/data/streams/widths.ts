/** Powers of two from 16 on, and the longest: few enough for a compiled program each, close enough to waste little. */
export function defaultWidths(longest: number): number[] {
  const widths: number[] = [];
  for (let width = 16; width < longest; width *= 2) widths.push(width);
  return [...widths, longest];
}

/** The next width that holds so many tokens; the number itself where none does. */
export const widthFor = (length: number, widths: readonly number[]): number =>
  widths.find((width) => width >= length) ?? length;
