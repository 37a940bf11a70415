const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/**
 * Makes any text safe inside HTML, in elements and in quoted attributes. Control characters that HTML forbids become
 * U+FFFD.
 *
 * @param text any text
 * @returns the text with `& < > " '` written as entities
 *
 * @example
 * ```ts
 * import { escapeHtml } from '@tesserae/display';
 *
 * console.log(escapeHtml('<b> & "you"')); // → &lt;b&gt; &amp; &quot;you&quot;
 * ```
 */
export function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character])
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\p{Cs}/gu, '\ufffd');
}
