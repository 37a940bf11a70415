/**
 * Writes a duration: `45 s`, `3:07`, `1:02:09`, `3 d 04:10`.
 *
 * @param seconds the duration in seconds
 * @returns the text; `–` when it is not a finite number
 *
 * @example
 * ```ts
 * import { formatDuration } from '@tesserae/display';
 *
 * console.log(formatDuration(187)); // → 3:07
 * ```
 */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}

/**
 * Writes a number of bytes in powers of 1,024: `512 B`, `1.5 KiB`, `38 MiB`, `1.2 GiB`.
 *
 * @param bytes the number of bytes
 * @returns the text; `–` when it is not a finite number
 *
 * @example
 * ```ts
 * import { formatBytes } from '@tesserae/display';
 *
 * console.log(formatBytes(1536)); // → 1.5 KiB
 * ```
 */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || Math.abs(value) >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/**
 * Writes a number for people: thousands apart, about four significant digits, exponents only where needed.
 *
 * @param value any number
 * @returns the text: `1,234`, `2.345`, `0.0125`, `3.1e-7`, `NaN`
 *
 * @example
 * ```ts
 * import { formatNumber } from '@tesserae/display';
 *
 * console.log(formatNumber(1234567), formatNumber(2.34567), formatNumber(0.0003)); // → 1,234,567 2.346 0.0003
 * ```
 */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-4) return value.toExponential(2).replace(/\.?0+e/, 'e');
  if (size >= 1e15) return value.toExponential(3);
  const digits = Number.isInteger(value) || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 6;
  const rounded = size < 0.1 && size > 0 ? Number(value.toPrecision(3)) : value;
  return rounded.toLocaleString('en-US', { maximumFractionDigits: digits });
}
