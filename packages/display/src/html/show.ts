import { describeValue } from '@tesserae/registry';
import { checkOptions, displayError } from '../errors/display-error';
import { notebookOf, standardStream, writeSafely } from '../environment/output';
import type { Output } from '../environment/output';

/** Something with a form for notebooks and, where it can have one, a form for terminals: charts, tables. */
export interface Displayable {
  /** A piece of HTML that needs nothing else. */
  readonly html: string;
  /** Text for terminals and logs. */
  readonly text?: string;
}

/** The names of {@link Output}, for checks. */
export const OUTPUT_OPTIONS = ['environment', 'notebook', 'stream', 'now'] as const;

/**
 * Shows HTML in the notebook; anywhere else it does nothing.
 *
 * SVG is shown this way too: what tslab shows as an image of type SVG is blank once a notebook becomes a web page.
 *
 * @param html a piece of HTML, or something that has one
 * @param output where to, when not the notebook that is running
 * @throws E_OPTION when it is given something else
 *
 * @example
 * ```ts
 * import { showHtml } from '@tesserae/display';
 *
 * showHtml('<b>done</b>'); // appears in a notebook
 * ```
 */
export function showHtml(html: string | Displayable, output: Output = {}): void {
  checkOptions('showHtml', output, OUTPUT_OPTIONS);
  const content = typeof html === 'string' ? html : (html as Displayable | undefined)?.html;
  if (typeof content !== 'string')
    throw displayError('E_OPTION', `showHtml was given ${describeValue(html)}`, 'pass HTML, a chart or a table');
  notebookOf(output)?.display.html(content);
}

/**
 * Shows a chart or a table: as HTML in a notebook, as text in a terminal or a log (a chart has none).
 *
 * @param item what to show
 * @param output where to
 * @throws E_OPTION when it is given something else
 *
 * @example
 * ```ts
 * import { show, table } from '@tesserae/display';
 *
 * show(table([{ layer: 'embedding', parameters: 12288 }]));
 * ```
 */
export function show(item: Displayable, output: Output = {}): void {
  showHtml(item, output);
  if (item.text === undefined || notebookOf(output)) return;
  writeSafely(output.stream ?? standardStream('stdout'), `${item.text}\n`);
}
